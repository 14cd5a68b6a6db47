"""Where a master is: an address as a person would type it."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

PATH = "/worker/v1"
_DEFAULT_PORT = 8010
_TLS = {"http": False, "ws": False, "https": True, "wss": True}
_PORTS = {"http": 80, "ws": 80, "https": 443, "wss": 443}
_LARGEST_PORT = 65_535
_BAD_PORT = f"its port must be a number from 1 to {_LARGEST_PORT}"


class BadAddress(ValueError):
    """It is no address of a master; the message says why."""


@dataclass(frozen=True)
class MasterAddress:
    """A host, a port, and the path of workers' connections there."""

    host: str
    port: int
    is_tls: bool
    path: str

    @property
    def host_header(self) -> str:
        """The host as HTTP names it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.is_tls else 80) else f"{host}:{self.port}"

    def __str__(self) -> str:
        """The address without the path that is the same for all."""
        return f"{'https' if self.is_tls else 'http'}://{self.host_header}" + (
            self.path[: -len(PATH)] if self.path.endswith(PATH) else self.path
        )


def master_address(text: str) -> MasterAddress:
    """Read ``http(s)://host[:port][/path]``, ``ws(s)://…``, ``host`` or ``host:port``.

    Raises BadAddress.
    """
    typed = text.strip()
    scheme, is_url, rest = typed.partition("://")
    if not is_url:
        scheme, rest = "http", typed
    if scheme.lower() not in _TLS:
        raise BadAddress(
            f'"{text}" is not a master\'s address: use http://, https://, or HOST:PORT'
        )
    try:
        parts = urlsplit(f"//{rest}")
    except ValueError:  # A bracket without its other one.
        raise BadAddress(f'"{text}" is not a master\'s address: it names no host') from None
    try:
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise BadAddress(f'"{text}" is not a master\'s address: {_BAD_PORT}') from None
    if not host or any(character.isspace() for character in host):
        raise BadAddress(f'"{text}" is not a master\'s address: it names no host')
    if parts.username is not None or parts.query or parts.fragment:
        raise BadAddress(f'"{text}" is not a master\'s address: give only host, port and path')
    if port is None:
        port = _PORTS[scheme.lower()] if is_url else _DEFAULT_PORT
    if not 0 < port <= _LARGEST_PORT:
        raise BadAddress(f'"{text}" is not a master\'s address: {_BAD_PORT}')
    path = parts.path.rstrip("/")
    if not path.endswith(PATH):
        path += PATH
    return MasterAddress(host, port, _TLS[scheme.lower()], path)
