"""How an OpenStack cloud is reached, and how a server is described to it."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import msgspec

from buildbot.interfaces import LatentWorkerCannotSubstantiate
from buildbot.util.rest import Access, RestClient, RestError
from chargehand.kit.values import shown_without

_TOKEN_SECONDS = 300.0
_LATEST = "2.latest"
_DEFAULT_DOMAIN = "default"
_GIB = 1 << 30
_USER_DATA = ("userdata", "user_data")
_NAMES = {
    "access_ip_v4": "accessIPv4",
    "access_ip_v6": "accessIPv6",
    "admin_pass": "adminPass",
    "disk_config": "OS-DCF:diskConfig",
}
"""Arguments of novaclient that the service calls otherwise."""
_NETWORK_NAMES = {
    "net-id": "uuid",
    "port-id": "port",
    "v4-fixed-ip": "fixed_ip",
    "v6-fixed-ip": "fixed_ip",
}


def listed(found: Mapping[str, Any]) -> SimpleNamespace:
    """Return a flavor or an image as functions of the configuration see it: with the attributes
    that the service tells; an image's are also ``created`` and ``updated``, as in Nova."""
    aliases = {
        name: found[f"{name}_at"] for name in ("created", "updated") if f"{name}_at" in found
    }
    return SimpleNamespace(**{**found, **aliases, "id": str(found["id"])})


@shown_without("token")
class _Login(msgspec.Struct, frozen=True, kw_only=True):
    """A token, and where the services are."""

    token: str
    endpoints: Mapping[str, str]
    until: float


class Cloud:
    """The services of a cloud: one login serves all of them, and is renewed in time."""

    def __init__(
        self,
        *,
        credentials: Callable[[], Awaitable[Mapping[str, Any]]],
        region: str | None,
        version: str,
    ) -> None:
        self._credentials = credentials
        self._region = region
        self._version = version
        self._login: _Login | None = None
        self._logging_in = asyncio.Lock()

    async def compute(self) -> Access:
        """Return how servers are made."""
        access = await self._service("compute")
        if "." not in self._version:
            return access
        version = self._version.removeprefix("2.") if self._version == _LATEST else self._version
        header = {"OpenStack-API-Version": f"compute {version}"}
        return Access(url=access.url, headers={**access.headers, **header})

    async def images(self) -> Access:
        """Return how images are listed."""
        access = await self._service("image")
        return Access(url=access.url.removesuffix("/v2"), headers=access.headers)

    async def _service(self, kind: str) -> Access:
        async with self._logging_in:
            now = asyncio.get_running_loop().time()
            if self._login is None or self._login.until < now:
                self._login = await self._log_in(now + _TOKEN_SECONDS)
            login = self._login
        if kind not in login.endpoints:
            where = f' in region "{self._region}"' if self._region else ""
            raise RestError(f'OpenStack has no service "{kind}"{where}')
        return Access(url=login.endpoints[kind].rstrip("/"), headers={"X-Auth-Token": login.token})

    async def _log_in(self, until: float) -> _Login:
        given = await self._credentials()
        url = identity_url(str(given["auth_url"]))

        async def access() -> Access:
            return Access(url=url)

        answer = await RestClient("OpenStack's identity service", access).request(
            "POST", "/auth/tokens", body=credentials(given), repeatable=True
        )
        token = next(
            (v for name, v in answer.headers.items() if name.lower() == "x-subject-token"), ""
        )
        catalog = answer.content["token"].get("catalog") or ()
        return _Login(token=token, endpoints=endpoints(catalog, self._region), until=until)


def identity_url(auth_url: str) -> str:
    """Return where version 3 of the identity service is: old addresses name version 2."""
    url = auth_url.rstrip("/").removesuffix("/v2.0").rstrip("/")
    return url if url.endswith("/v3") else f"{url}/v3"


def endpoints(catalog: Sequence[Mapping[str, Any]], region: str | None) -> dict[str, str]:
    """Return the public addresses of a catalog's services, by their kinds."""
    found: dict[str, str] = {}
    for service in catalog:
        for one in service["endpoints"]:
            is_here = region is None or region in (one.get("region"), one.get("region_id"))
            if one["interface"] == "public" and is_here:
                found.setdefault(service["type"], one["url"])
    return found


def credentials(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a request for a token. Raises RestError."""
    method = given.get("auth_type") or "v3password"
    match method:
        case "v3applicationcredential":
            secret: dict[str, Any] = {"secret": given.get("application_credential_secret")}
            if given.get("application_credential_id"):
                secret["id"] = given["application_credential_id"]
            else:
                secret["name"] = given.get("application_credential_name")
                secret["user"] = _named(given, "user")
            identity = {"methods": ["application_credential"], "application_credential": secret}
            return {"auth": {"identity": identity}}
        case "v3token":
            identity = {"methods": ["token"], "token": {"id": given.get("token")}}
        case "v3password" | "password":
            user = {**_named(given, "user"), "password": given.get("password")}
            identity = {"methods": ["password"], "password": {"user": user}}
        case _:
            raise RestError(f'auth_type "{method}" is not supported; use v3password')
    project = _named(given, "project")
    is_scoped = project.get("id") or project.get("name")
    scope = {"scope": {"project": project}} if is_scoped else {}
    return {"auth": {"identity": identity, **scope}}


def _named(given: Mapping[str, Any], what: str) -> dict[str, Any]:
    """Return a user or a project: by its identifier, or by its name and its domain's.

    Keystone's older word for a project is tenant.
    """
    names = ["user"] if what == "user" else ["project", "tenant"]
    for one in names:
        if given.get(f"{one}_id"):
            return {"id": given[f"{one}_id"]}
    keys = ["username"] if what == "user" else [f"{one}_name" for one in names]
    name = next((given[key] for key in keys if given.get(key)), None)
    for owner in (what, "default"):
        for key in ("name", "id"):
            if found := given.get(f"{owner}_domain_{key}"):
                return {"name": name, "domain": {key: found}}
    return {"name": name, "domain": {"id": _DEFAULT_DOMAIN}}


def needs_size(device: Mapping[str, Any]) -> bool:
    """Return whether a block device is a volume made of an image, and has no size."""
    kinds = (device["source_type"], device["destination_type"])
    return kinds == ("image", "volume") and "volume_size" not in device


def smallest_volume(image: Mapping[str, Any]) -> int:
    """Return the GiB of the smallest volume that holds an image of the image service."""
    return max(int(image.get("min_disk") or 0), -(-int(image.get("size") or 0) // _GIB), 1)


def block_device(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a block device of the configuration, as the compute service takes it."""
    found = {
        "uuid": given["uuid"],
        "source_type": given.get("source_type", "image"),
        "destination_type": given.get("destination_type", "volume"),
        "device_name": given.get("device_name", "vda"),
        "delete_on_termination": given.get("delete_on_termination", True),
        "boot_index": given.get("boot_index", 0),
    }
    if given.get("volume_size") is not None:
        found["volume_size"] = int(given["volume_size"])
    return found


def server_of(
    *,
    name: str,
    flavor: str,
    image: str | None,
    devices: Sequence[Mapping[str, Any]],
    metadata: Mapping[str, Any],
    more: Mapping[str, Any],
) -> dict[str, Any]:
    """Return a request for a server. *more* has the names of novaclient's arguments.

    Raises LatentWorkerCannotSubstantiate.
    """
    server: dict[str, Any] = {
        "name": name,
        "flavorRef": flavor,
        "metadata": {key: str(value) for key, value in metadata.items()},
    }
    if image is not None:
        server["imageRef"] = image
    if devices:
        server["block_device_mapping_v2"] = list(devices)
    body: dict[str, Any] = {"server": server}
    for key, value in more.items():
        match key:
            case "scheduler_hints":
                body["os:scheduler_hints"] = value
            case "nics":
                server["networks"] = value if isinstance(value, str) else list(map(_network, value))
            case "security_groups":
                server[key] = [one if isinstance(one, Mapping) else {"name": one} for one in value]
            case _ if key in _USER_DATA:
                server["user_data"] = _encoded(value)
            case "files":
                server["personality"] = [
                    {"path": path, "contents": _encoded(content)} for path, content in value.items()
                ]
            case "meta":
                server["metadata"] = {**value, **server["metadata"]}
            case _:
                server[_NAMES.get(key, key)] = value
    return body


def _encoded(content: Any) -> str:
    """Return a text, bytes or what a file holds in base 64."""
    content = content.read() if hasattr(content, "read") else content
    data = content if isinstance(content, bytes) else str(content).encode()
    return b64encode(data).decode()


def _network(nic: Mapping[str, Any]) -> dict[str, Any]:
    if "net-name" in nic:
        raise LatentWorkerCannotSubstantiate(
            'nova_args: a network has "net-id", not "net-name": '
            f'"openstack network show -c id {nic["net-name"]}" tells it'
        )
    return {_NETWORK_NAMES.get(key, key): value for key, value in nic.items()}
