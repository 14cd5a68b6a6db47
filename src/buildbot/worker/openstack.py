"""Workers on servers of an OpenStack cloud."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from buildbot._border.arguments import own_arguments
from buildbot._border.bridge import inward
from buildbot._border.errors import error
from buildbot._border.kinds import Given
from buildbot._border.rendering import is_constant, render_value
from buildbot.interfaces import (
    LatentWorkerCannotSubstantiate,
    LatentWorkerFailedToSubstantiate,
)
from buildbot.process.properties import Properties
from buildbot.util.latent import CompatibleLatentWorkerMixin
from buildbot.util.rest import Access, RestClient
from buildbot.worker.on_rest import WorkerOnRest
from buildbot.worker.openstack_cloud import (
    Cloud,
    block_device,
    listed,
    needs_size,
    server_of,
    smallest_volume,
)
from buildbot.worker.rendered_kinds import list_of, mapping_of

_POLL_SECONDS = 5.0


class OpenStackLatentWorker(CompatibleLatentWorkerMixin, WorkerOnRest):
    """A worker on a server of an OpenStack cloud, which exists only while there are builds.

    The worker in the image must connect by itself when the server has started. Without a password,
    the server's metadata have BUILDMASTER, BUILDMASTER_PORT, BUILDMASTER_PROTOCOL, WORKERNAME and
    WORKERPASS (Chargehand's own).

    Args:
        flavor (str | Callable[[list], Any], renderable): Name or identifier of the flavor, or a
            function that chooses one of a list; they have ``name``, ``ram``, ``vcpus`` and so on.
        os_username (str | None, renderable): User.
        os_password (str | None, renderable): Its password.
        os_tenant_name (str | None): Project.
        os_auth_url (str | None): Address of the identity service (Keystone).
        os_user_domain (str | None): Domain of the user; by default ``default``.
        os_project_domain (str | None): Domain of the project; by default ``default``.
        os_auth_args (dict[str, str] | None, renderable): Instead of the arguments above:
            ``auth_url``, and what ``auth_type`` needs, which is ``v3password``, ``v3token`` or
            ``v3applicationcredential``.
        block_devices (list[dict[str, Any]] | None, renderable): Block devices: ``uuid``, and if
            needed ``volume_size`` (GiB), ``device_name``, ``source_type``, ``destination_type``,
            ``delete_on_termination`` and ``boot_index``.
        region (str | None): Region.
        image (str | Callable[[list], Any] | None, renderable): Name or identifier of the image, or
            a function that chooses one of a list; they have ``name``, ``created``, ``status`` and
            what else the image service tells.
        meta (dict[str, str] | None, renderable): Metadata of the server.
        nova_args (dict[str, Any] | None, renderable): More of the server: ``key_name``,
            ``security_groups``, ``nics``, ``userdata``, ``availability_zone`` and so on.
        client_version (str | float): Version of the compute service's interface: 2, or 2 with a
            microversion, such as ``"2.53"``, or ``"2.latest"``.
        masterFQDN (str | None): Address of the master for the metadata; by default this host's
            name (Chargehand's own).
    """

    _service = "OpenStack"

    @own_arguments
    def checkConfig(
        self,
        name: str,
        password: Any,
        flavor: Any,
        os_username: Any = None,
        os_password: Any = None,
        os_tenant_name: str | None = None,
        os_auth_url: str | None = None,
        os_user_domain: str | None = None,
        os_project_domain: str | None = None,
        os_auth_args: Any = None,
        block_devices: Any = None,
        region: str | None = None,
        image: Any = None,
        meta: Any = None,
        nova_args: Any = None,
        client_version: str | float = "2",
        masterFQDN: str | None = None,
        **kwargs: Any,
    ) -> None:
        """Check the arguments, and keep them."""
        super().checkConfig(name, password, **kwargs)
        given = Given(f'worker "{name}"')
        self.flavor = _choice(given, "flavor", flavor)
        self.os_auth_args = given.mapping("os_auth_args", os_auth_args, is_rendered=True) or {
            "auth_url": given.text("os_auth_url", os_auth_url),
            "username": given.text("os_username", os_username, is_rendered=True),
            "password": given.text("os_password", os_password, is_rendered=True),
            "project_name": given.text("os_tenant_name", os_tenant_name),
            "user_domain_name": given.text("os_user_domain", os_user_domain),
            "project_domain_name": given.text("os_project_domain", os_project_domain),
        }
        self.block_devices = given.items("block_devices", block_devices, is_rendered=True) or []
        self.region = region = given.text("region", region)
        self.image = _choice(given, "image", image)
        self.meta = given.mapping("meta", meta, is_rendered=True) or {}
        self.nova_args = given.mapping("nova_args", nova_args, is_rendered=True) or {}
        self.client_version = _interface_version(given, client_version)
        self.masterFQDN = given.text("masterFQDN", masterFQDN)
        self._cloud = Cloud(
            credentials=self._credentials, region=region, version=self.client_version
        )
        for problem in self._problems():
            error(f'worker "{name}": {problem}')

    def _problems(self) -> list[str]:
        found = []
        if not self.image and not self.block_devices:
            found.append("give image or block_devices")
        given = self.os_auth_args
        if isinstance(given, Mapping) and not given.get("auth_url"):
            found.append("os_auth_url (or auth_url in os_auth_args) is missing")
        if isinstance(self.block_devices, list | tuple):
            found += _problems_of_devices(self.block_devices)
        return found

    # Its instance

    async def renderWorkerProps(self, build: Any) -> tuple[Any, ...]:
        """Return what decides whether a running server is fit for a build."""
        flavor = self.flavor if callable(self.flavor) else await inward(build.render, self.flavor)
        image = self.image if callable(self.image) else await inward(build.render, self.image)
        rest = [self.block_devices, self.meta, self.nova_args]
        return flavor, image, *await inward(build.render, rest)

    async def start_instance(self, build: Any) -> list[str]:
        """Create a server, and wait until it is active."""
        flavor, image, *rest = await self.renderWorkerPropsOnStart(build)
        devices = list_of("block_devices", rest[0])
        if problems := _problems_of_devices(devices):
            raise LatentWorkerCannotSubstantiate("; ".join(problems))
        environment = {} if self.password else self.worker_environment(self.masterFQDN)
        body = server_of(
            name=self.instance_name,
            flavor=await self._chosen("flavors", flavor),
            image=await self._chosen("images", image) if image else None,
            devices=[await self._block_device(one) for one in devices],
            metadata={**mapping_of("meta", rest[1]), **environment, **self.instance_labels},
            more=mapping_of("nova_args", rest[2]),
        )
        answer = await self._ask("POST", "/servers", body=body)
        identifier = answer["server"]["id"]
        self.instance = {"id": identifier}
        await self.record_instance(self.instance)
        await self._wait_for(identifier)
        return [identifier, str(body["server"].get("imageRef") or "block device")]

    async def stop_instance(self, fast: bool = False) -> None:
        """Delete the server."""
        self.resetWorkerPropsOnStop()
        await super().stop_instance(fast)

    def instance_place(self) -> str:
        """Name the cloud, the region, and whose instances they are."""
        if not isinstance(self.os_auth_args, Mapping):
            return f"{self.name} {self.region}"
        account = [self.os_auth_args.get(key) for key in ("auth_url", "project_name", "username")]
        return f"{account} {self.region}"

    async def _wait_for(self, identifier: str) -> None:
        """Wait until it is active; the fleet limits how long."""
        while True:
            server = await self._server(identifier)
            if server["status"] == "ACTIVE":
                return
            if server["status"] != "BUILD":
                raise LatentWorkerFailedToSubstantiate(_problem_of(server))
            await _pause(_POLL_SECONDS)

    async def _chosen(self, kind: str, wanted: Any) -> str:
        """Return the identifier of a flavor or an image."""
        if isinstance(wanted, str) and _is_uuid(wanted):
            return wanted
        every = [listed(one) for one in await self._everything(kind)]
        if callable(wanted):
            found = await inward(wanted, every)
            return str(getattr(found, "id", found))
        for one in every:
            if str(wanted) in (one.name, one.id):
                return str(one.id)
        raise LatentWorkerFailedToSubstantiate(f'OpenStack has no {kind[:-1]} "{wanted}"')

    async def _block_device(self, given: Mapping[str, Any]) -> dict[str, Any]:
        device = block_device(given)
        if needs_size(device):
            images = RestClient(self._service, self._cloud.images)
            answer = await self._answer(images, "GET", f"/v2/images/{device['uuid']}")
            device["volume_size"] = smallest_volume(answer.content)
        return device

    async def _everything(self, kind: str) -> list[Mapping[str, Any]]:
        images = RestClient(self._service, self._cloud.images)
        client, path = self._client, "/flavors/detail"
        if kind == "images":
            client, path = images, "/v2/images"
        found: list[Mapping[str, Any]] = []
        more: dict[str, str] = {}
        while True:
            asked = {"limit": "1000", **more}
            content = (await self._answer(client, "GET", path, parameters=asked)).content
            found += content[kind]
            if not content[kind] or not (content.get("next") or content.get(f"{kind}_links")):
                return found
            more = {"marker": str(found[-1]["id"])}

    async def _access(self) -> Access:
        return await self._cloud.compute()

    async def _credentials(self) -> Mapping[str, Any]:
        properties = Properties()
        properties.master = self.master
        return mapping_of("os_auth_args", await render_value(self.os_auth_args, properties))

    async def _server(self, identifier: str) -> Any:
        return (await self._ask("GET", f"/servers/{identifier}"))["server"]

    async def _listed(self) -> list[tuple[Mapping[str, str], Any]]:
        found: list[tuple[Mapping[str, str], Any]] = []
        more: dict[str, str] = {}
        while True:
            parameters = {"limit": "500", "name": "^chargehand-", **more}
            servers = (await self._ask("GET", "/servers/detail", parameters=parameters))["servers"]
            found += [(one["metadata"], {"id": one["id"]}) for one in servers]
            if len(servers) < 500:
                return found
            more = {"marker": servers[-1]["id"]}

    async def _delete(self, value: Any) -> None:
        await self._ask("DELETE", f"/servers/{value['id']}")

    async def _problem(self, value: Any) -> str:
        server = await self._server(value["id"])
        return "" if server["status"] in ("ACTIVE", "BUILD") else _problem_of(server)


async def _pause(seconds: float) -> None:
    await asyncio.sleep(seconds)


def _problem_of(server: Mapping[str, Any]) -> str:
    words = (server.get("fault") or {}).get("message") or ""
    said = f"server {server['id']} is {server['status']}"
    return f"{said}: {words}" if words else said


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _problems_of_devices(devices: Any) -> list[str]:
    return [
        f'block_devices: each needs "uuid", not {one!r}'
        for one in devices
        if (isinstance(one, Mapping) and "uuid" not in one)
        or (not isinstance(one, Mapping) and is_constant(one))
    ]


def _interface_version(given: Given, value: Any) -> str:
    """Return the version of the compute service's interface; novaclient's 1.1 is its version 2."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    text = str(value) if is_number else value
    what = '2, or 2 with a microversion, such as "2.53"'
    found = given.matching("client_version", text, r"1\.1|2|2\.\d+|2\.latest", what)
    return "2" if found in (None, "1.1") else str(found)


def _choice(given: Given, name: str, value: Any) -> Any:
    """Return a name, an identifier, which may be a number, or a function that chooses."""
    if callable(value) or isinstance(value, int):
        return value
    return given.text(name, value, is_rendered=True)
