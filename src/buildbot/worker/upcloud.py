"""Workers on servers of UpCloud."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from buildbot._border.arguments import own_arguments
from buildbot._border.bridge import inward
from buildbot._border.errors import error
from buildbot._border.http_security import authorization
from buildbot._border.kinds import Given
from buildbot._border.rendering import render_value
from buildbot.interfaces import LatentWorkerFailedToSubstantiate
from buildbot.process.properties import Properties
from buildbot.util.latent import CompatibleLatentWorkerMixin
from buildbot.util.rest import Access
from buildbot.worker.on_rest import WorkerOnRest
from buildbot.worker.rendered_kinds import mapping_of

DEFAULT_BASE_URL = "https://api.upcloud.com/1.3"
DEFAULT_HOST: Mapping[str, Any] = {
    "zone": "de-fra1",
    "plan": "1xCPU-1GB",
    "os_disk_size": 10,
}
_POLL_SECONDS = 5.0
_STOP_POLLS = 60
_STOP = {"stop_server": {"stop_type": "hard"}}


class UpcloudLatentWorker(CompatibleLatentWorkerMixin, WorkerOnRest):
    """A worker on a server of UpCloud, which exists only while there are builds.

    ``hostconfig`` may have ``zone``, ``plan``, ``core_number`` and ``memory_amount`` (for the plan
    ``custom``), ``os_disk_size`` (GB), ``ssh_keys``, ``hostname`` and ``user_data``: a script that
    installs and starts the worker, or a function that returns one and gets the variables
    BUILDMASTER, BUILDMASTER_PORT, BUILDMASTER_PROTOCOL, WORKERNAME and WORKERPASS (the function is
    Chargehand's own).

    Args:
        api_username (str, renderable): User of the API: make one for the master only.
        api_password (str, renderable): Its password.
        image (str, renderable): Title of the template that the server's disk is a copy of.
        hostconfig (dict[str, Any] | None, renderable): What the server is like.
        base_url (str): Address of the API.
        masterFQDN (str | None): Address of the master for ``user_data``; by default this host's
            name.
    """

    _service = "UpCloud"

    @own_arguments
    def checkConfig(
        self,
        name: str,
        password: Any = None,
        api_username: Any = None,
        api_password: Any = None,
        image: Any = None,
        hostconfig: Any = None,
        base_url: str = DEFAULT_BASE_URL,
        masterFQDN: str | None = None,
        **kwargs: Any,
    ) -> None:
        """Check the arguments, and keep them."""
        super().checkConfig(name, password, **kwargs)
        for argument, value in (
            ("api_username", api_username),
            ("api_password", api_password),
            ("image", image),
        ):
            if not value:
                error(f'worker "{name}": {argument} is missing')
        given = Given(f'worker "{name}"')
        self.api_username = given.text("api_username", api_username, is_rendered=True)
        self.api_password = given.text("api_password", api_password, is_rendered=True)
        self.image = given.text("image", image, is_rendered=True)
        self.hostconfig = given.mapping("hostconfig", hostconfig, is_rendered=True) or {}
        self.base_url = given.text("base_url", base_url)
        self.masterFQDN = given.text("masterFQDN", masterFQDN)

    async def renderWorkerProps(self, build: Any) -> tuple[Any, Any]:
        """Return what decides whether a running server is fit for a build."""
        image = await inward(build.render, self.image)
        return image, await inward(build.render, self.hostconfig)

    async def start_instance(self, build: Any) -> list[str]:
        """Create the server; it goes on to start."""
        image, rendered = await self.renderWorkerPropsOnStart(build)
        host = {**DEFAULT_HOST, **mapping_of("hostconfig", rendered)}
        template = await self._template(image)
        server = self._server(template, host)
        if callable(data := host.get("user_data")):
            data = await inward(data, self.worker_environment(self.masterFQDN))
        if data:
            server["user_data"] = data
        answer = await self._ask("POST", "/server", body={"server": server})
        self.instance = {"uuid": answer["server"]["uuid"]}
        await self.record_instance(self.instance)
        return [self.instance["uuid"], str(image)]

    async def stop_instance(self, fast: bool = False) -> None:
        """Stop the server, and delete it with its disk."""
        self.resetWorkerPropsOnStop()
        await super().stop_instance(fast)

    def instance_place(self) -> str:
        """Name the server of the API, and whose instances they are."""
        return f"{self.base_url} {self.api_username}"

    async def _template(self, image: str) -> str:
        answer = await self._ask("GET", "/storage/template")
        for one in answer["storages"]["storage"]:
            if image in (one["title"], one["uuid"]):
                return str(one["uuid"])
        raise LatentWorkerFailedToSubstantiate(f'UpCloud has no template "{image}"')

    def _server(self, template: str, host: Mapping[str, Any]) -> dict[str, Any]:
        disk = {
            "action": "clone",
            "storage": template,
            "title": self.instance_name,
            "size": host["os_disk_size"],
        }
        labels = [{"key": key, "value": value} for key, value in self.instance_labels.items()]
        server = {
            "title": self.instance_name,
            "hostname": host.get("hostname") or self.name,
            "zone": host["zone"],
            "plan": host["plan"],
            "metadata": "yes",
            "storage_devices": {"storage_device": [disk]},
            "labels": {"label": labels},
        }
        server |= {key: host[key] for key in ("core_number", "memory_amount") if host.get(key)}
        if keys := host.get("ssh_keys"):
            listed = [keys] if isinstance(keys, str) else list(keys)
            server["login_user"] = {"ssh_keys": {"ssh_key": listed}}
        return server

    async def _access(self) -> Access:
        properties = Properties()
        properties.master = self.master
        auth = await render_value((self.api_username, self.api_password), properties)
        return Access(url=self.base_url, headers=authorization(auth))

    async def _listed(self) -> list[tuple[Mapping[str, str], Any]]:
        answer = await self._ask("GET", "/server", parameters={"label": "chargehand.instance"})
        return [
            (
                {one["key"]: one["value"] for one in (server.get("labels") or {}).get("label", ())},
                {"uuid": server["uuid"]},
            )
            for server in answer["servers"]["server"]
        ]

    async def _delete(self, value: Any) -> None:
        """Only a server that is stopped can be deleted."""
        path = f"/server/{value['uuid']}"
        for _ in range(_STOP_POLLS):
            state = await self._state(value)
            if state in ("stopped", "error"):
                break
            if state == "started":
                await self._ask("POST", f"{path}/stop", body=_STOP)
            await _pause(_POLL_SECONDS)
        await self._ask("DELETE", path, parameters={"storages": "1"})

    async def _state(self, value: Any) -> str:
        answer = await self._ask("GET", f"/server/{value['uuid']}")
        return str(answer["server"]["state"])

    async def _problem(self, value: Any) -> str:
        state = await self._state(value)
        return "" if state in ("started", "maintenance") else f"server {value['uuid']} is {state}"


async def _pause(seconds: float) -> None:
    await asyncio.sleep(seconds)
