"""Workers in containers that Marathon runs, on Apache Mesos or DC/OS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from buildbot._border.arguments import own_arguments
from buildbot._border.bridge import inward
from buildbot._border.errors import error
from buildbot._border.http_security import authorization
from buildbot._border.kinds import Given
from buildbot._border.rendering import is_constant, render_value
from buildbot.process.properties import Properties
from buildbot.util.latent import CompatibleLatentWorkerMixin
from buildbot.util.rest import Access
from buildbot.worker.on_rest import WorkerOnRest
from buildbot.worker.rendered_kinds import mapping_of

_PREFIX = "buildbot-worker/"


class MarathonLatentWorker(CompatibleLatentWorkerMixin, WorkerOnRest):
    """A worker in a container that Marathon runs while there are builds.

    The image's worker must connect as the environment variables BUILDMASTER, BUILDMASTER_PORT,
    BUILDMASTER_PROTOCOL, WORKERNAME and WORKERPASS say.

    Args:
        marathon_url (str): Address of Marathon.
        image (str, renderable): Docker image of the container.
        marathon_auth (tuple[str, str] | None, renderable): User and password.
        marathon_extra_config (dict[str, Any] | None, renderable): More of the application, such as
            ``{"cpus": 4, "mem": 4096}``; dictionaries in it are merged with ours.
        marathon_app_prefix (str): What the application's identifier begins with.
        masterFQDN (str | None): Address at which the container reaches the master, with a port if
            it is not that of c['protocols']; by default the name of this host.
    """

    _service = "Marathon"

    @own_arguments
    def checkConfig(
        self,
        name: str,
        marathon_url: str,
        image: Any,
        marathon_auth: Any = None,
        marathon_extra_config: Any = None,
        marathon_app_prefix: str = _PREFIX,
        masterFQDN: str | None = None,
        password: Any = None,
        **kwargs: Any,
    ) -> None:
        """Check the arguments, and keep them."""
        super().checkConfig(name, password, **kwargs)
        if not str(marathon_url).startswith(("http://", "https://")):
            error(f'worker "{name}": marathon_url must begin with https://, not {marathon_url!r}')
        self.marathon_url = str(marathon_url)
        given = Given(f'worker "{name}"')
        self.image = given.text("image", image, is_rendered=True)
        self.marathon_auth = given.items("marathon_auth", marathon_auth, is_rendered=True)
        if is_constant(marathon_auth) and self.marathon_auth and len(self.marathon_auth) != 2:
            error(f'worker "{name}": marathon_auth must be a pair of user and password')
        more = given.mapping("marathon_extra_config", marathon_extra_config, is_rendered=True)
        self.marathon_extra_config = more or {}
        self.marathon_app_prefix = given.text("marathon_app_prefix", marathon_app_prefix)
        self.masterFQDN = given.text("masterFQDN", masterFQDN)

    async def renderWorkerProps(self, build: Any) -> tuple[Any, Any]:
        """Return what decides whether a running container is fit for a build."""
        image = await inward(build.render, self.image)
        return image, await inward(build.render, self.marathon_extra_config)

    async def start_instance(self, build: Any) -> list[str]:
        """Create the application. Its identifier makes a repeated request harmless."""
        image, rendered = await self.renderWorkerPropsOnStart(build)
        extra = mapping_of("marathon_extra_config", rendered)
        identifier = f"/{self.marathon_app_prefix.strip('/')}/{self.instance_name}"
        identifier = identifier.replace("//", "/")
        self.instance = {"app": identifier}
        await self.record_instance(self.instance)
        app = {
            "id": identifier,
            "instances": 1,
            "container": {"type": "DOCKER", "docker": {"image": image, "network": "BRIDGE"}},
            "env": self.worker_environment(self.masterFQDN),
            "labels": self.instance_labels,
        }
        await self._ask("PUT", f"/v2/apps{_quoted(identifier)}", body=merged(app, extra))
        return [identifier, str(image)]

    async def stop_instance(self, fast: bool = False) -> None:
        """Delete the application."""
        self.resetWorkerPropsOnStop()
        await super().stop_instance(fast)

    def instance_place(self) -> str:
        """Name the server."""
        return self.marathon_url

    async def _access(self) -> Access:
        properties = Properties()
        properties.master = self.master
        auth = await render_value(self.marathon_auth, properties)
        return Access(url=self.marathon_url, headers=authorization(auth))

    async def _listed(self) -> list[tuple[Mapping[str, str], Any]]:
        answer = await self._ask("GET", "/v2/apps", parameters={"label": "chargehand.instance"})
        return [(app.get("labels") or {}, {"app": app["id"]}) for app in answer.get("apps") or ()]

    async def _delete(self, value: Any) -> None:
        await self._ask("DELETE", f"/v2/apps{_quoted(value['app'])}", parameters={"force": "true"})

    async def _problem(self, value: Any) -> str:
        answer = await self._ask("GET", f"/v2/apps{_quoted(value['app'])}")
        failure = answer["app"].get("lastTaskFailure") or {}
        if not failure or answer["app"].get("tasksRunning"):
            return ""
        words = self._without_password(" ".join(str(failure.get("message") or "").split()))
        return f"application {value['app']}: {failure.get('state') or 'failed'}: {words}"


def merged(ours: Any, more: Any) -> Any:
    """Return *ours* with *more*, which counts where both say something."""
    if not isinstance(ours, Mapping) or not isinstance(more, Mapping):
        return more
    return {
        key: merged(ours[key], more[key])
        if key in ours and key in more
        else (more if key in more else ours)[key]
        for key in [*ours, *(key for key in more if key not in ours)]
    }


def _quoted(identifier: str) -> str:
    return quote(identifier, safe="/")
