"""Connecting to a master through an HTTP proxy (CONNECT)."""

from __future__ import annotations

import asyncio
import base64
import ipaddress
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Optional
from urllib import request
from urllib.parse import unquote, urlsplit

from chargehand_wire.master_address import MasterAddress

_DEFAULT_PORT = 3128
_LONGEST_ANSWER = 16 * 1024


class BadProxy(ValueError):
    """It is no address of a proxy; the message says why."""


class ProxyFailed(OSError):
    """The proxy does not connect to the master; the message says what it answered."""


@dataclass(frozen=True)
class Proxy:
    """Where a proxy is, and what it wants to hear."""

    host: str
    port: int
    credentials: Optional[str] = None

    def __str__(self) -> str:
        """Return the address without its password."""
        return f"{self.host}:{self.port}"


def proxy_of(text: str) -> Proxy:
    """Read ``[http://][user:password@]host[:port]``. Raises BadProxy."""
    scheme, is_url, rest = text.strip().partition("://")
    if is_url and scheme.lower() != "http":
        raise BadProxy(f'"{scheme}://" is not supported for proxies: use http://HOST:PORT')
    try:
        parts = urlsplit(f"//{rest if is_url else text.strip()}")
        host, port = parts.hostname or "", parts.port or _DEFAULT_PORT
    except ValueError as error:
        raise BadProxy(f"not a proxy's address: {error}") from error
    if not host or any(character.isspace() for character in host):
        raise BadProxy("not a proxy's address: it names no host")
    if parts.username is None:
        return Proxy(host, port)
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return Proxy(host, port, base64.b64encode(pair.encode()).decode())


# Of the environment: `request.proxy_bypass` asks macOS and Windows for their own settings.
_bypass: Callable[[str, dict[str, str]], bool] = vars(request)["proxy_bypass_environment"]


def proxy_for(address: MasterAddress, setting: Optional[str]) -> Optional[Proxy]:
    """Return the proxy to use: that of the setting, none if it is empty, else the environment's.

    Raises BadProxy.
    """
    if setting is not None:
        return proxy_of(setting) if setting else None
    if _is_this_machine(address.host):
        return None
    proxies = request.getproxies_environment()
    found = proxies.get("https" if address.is_tls else "http") or proxies.get("all")
    if not found or _bypass(f"{address.host}:{address.port}", proxies):
        return None
    return proxy_of(found)


async def connect_through(proxy: Proxy, address: MasterAddress) -> socket.socket:
    """Return a socket that is connected to the master. Raises OSError."""
    loop = asyncio.get_running_loop()
    infos = await loop.getaddrinfo(proxy.host, proxy.port, type=socket.SOCK_STREAM)
    connection = socket.socket(infos[0][0], socket.SOCK_STREAM)
    try:
        connection.setblocking(False)
        await loop.sock_connect(connection, infos[0][4])
        await loop.sock_sendall(connection, _request(proxy, address))
        answer = b""
        while b"\r\n\r\n" not in answer:
            piece = await loop.sock_recv(connection, _LONGEST_ANSWER)
            answer += piece
            if not piece or len(answer) > _LONGEST_ANSWER:
                raise ProxyFailed(f"the proxy {proxy} closed the connection")
        line = answer.split(b"\r\n", 1)[0].decode("latin-1")
        if line.split(" ")[1:2] != ["200"]:
            raise ProxyFailed(f'the proxy {proxy} answered "{line}"')
    except BaseException:
        connection.close()
        raise
    return connection


def _request(proxy: Proxy, address: MasterAddress) -> bytes:
    host = f"[{address.host}]" if ":" in address.host else address.host
    target = f"{host}:{address.port}"
    lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}"]
    if proxy.credentials is not None:
        lines.append(f"Proxy-Authorization: Basic {proxy.credentials}")
    return "\r\n".join([*lines, "", ""]).encode()


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
