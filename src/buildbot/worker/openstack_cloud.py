"""How an OpenStack cloud is reached, and how a server is described to it."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import msgspec

from buildbot.util.rest import Access, RestClient, RestError
from chargehand.kit.values import shown_without

_TOKEN_SECONDS = 300.0
_DEFAULT_DOMAIN = "default"
_OUTSIDE = ("scheduler_hints",)
_USER_DATA = ("userdata", "user_data")


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
        header = {"OpenStack-API-Version": f"compute {self._version}"}
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
        url = str(given["auth_url"]).rstrip("/")

        async def access() -> Access:
            return Access(url=url if url.endswith("/v3") else f"{url}/v3")

        answer = await RestClient("OpenStack's identity service", access).request(
            "POST", "/auth/tokens", body=credentials(given), repeatable=True
        )
        token = next(
            (v for name, v in answer.headers.items() if name.lower() == "x-subject-token"), ""
        )
        catalog = answer.content["token"].get("catalog") or ()
        return _Login(token=token, endpoints=endpoints(catalog, self._region), until=until)


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
    return {"auth": {"identity": identity, "scope": {"project": _named(given, "project")}}}


def _named(given: Mapping[str, Any], what: str) -> dict[str, Any]:
    """Return a user or a project: by its identifier, or by its name and its domain's."""
    if given.get(f"{what}_id"):
        return {"id": given[f"{what}_id"]}
    name = given.get("username") if what == "user" else given.get("project_name")
    domain = given.get(f"{what}_domain_name")
    named = {"name": domain} if domain else {"id": given.get(f"{what}_domain_id")}
    return {"name": name, "domain": named if any(named.values()) else {"id": _DEFAULT_DOMAIN}}


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
    """Return a request for a server. *more* has the names of ``nova boot``'s arguments."""
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
        if key in _OUTSIDE:
            body[f"os:{key}"] = value
        elif key == "nics":
            server["networks"] = [_network(one) for one in value]
        elif key == "security_groups":
            server[key] = [one if isinstance(one, Mapping) else {"name": one} for one in value]
        elif key in _USER_DATA:
            text = value if isinstance(value, bytes) else str(value).encode()
            server["user_data"] = b64encode(text).decode()
        elif key == "meta":
            server["metadata"] = {**value, **server["metadata"]}
        else:
            server[key] = value
    return body


def _network(nic: Mapping[str, Any]) -> dict[str, Any]:
    names = {"net-id": "uuid", "port-id": "port", "v4-fixed-ip": "fixed_ip"}
    return {names.get(key, key): value for key, value in nic.items()}
