"""Who is at the other end of a connection, when a proxy stands between."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from aiohttp import web

_MOST_HOPS = 20
_CLIENT = web.RequestKey("chargehand.client", str)


class Proxies:
    """Proxies whose word is taken for where a request comes from.

    Anybody can send ``X-Forwarded-For``: each proxy appends the address that it saw, so it counts
    from the right, as long as those that appended are proxies of ours.
    """

    def __init__(self, networks: Sequence[str] = ()) -> None:
        self._networks = tuple(ipaddress.ip_network(one, strict=False) for one in networks)

    def is_trusted(self, request: web.BaseRequest) -> bool:
        """Return whether the request came straight from a proxy of ours, or a unix socket."""
        return self._trusts(request.remote or "")

    def address(self, request: web.BaseRequest) -> str:
        """Return the client's address; empty if it is not known."""
        address = request.remote or ""
        if not self._networks and address:
            return address
        forwarded = ",".join(request.headers.getall("X-Forwarded-For", ()))
        hops = [hop.strip() for hop in forwarded.split(",") if hop.strip()]
        for hop in reversed(hops[-_MOST_HOPS:]):
            if not self._trusts(address) or not _is_address(hop):
                break
            address = hop
        return address

    def note(self, request: web.BaseRequest) -> None:
        """Let `address_of` know what proxies of ours say of a request."""
        if self._networks or not request.remote:
            request[_CLIENT] = self.address(request)

    def is_encrypted(self, request: web.BaseRequest) -> bool:
        """Return whether the client's browser uses HTTPS."""
        if request.secure:
            return True
        told = request.headers.get("X-Forwarded-Proto", "")
        return told.rpartition(",")[2].strip().lower() == "https" and self.is_trusted(request)

    def _trusts(self, address: str) -> bool:
        if not address:
            return True
        try:
            found = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return False
        mapped = getattr(found, "ipv4_mapped", None) or found
        return any(mapped in network for network in self._networks)


def address_of(request: web.BaseRequest) -> str:
    """Return the address of a request's client; empty if it is not known."""
    told: str = request.get(_CLIENT, "")
    return told or request.remote or ""


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
