"""Who is at the other end of a connection, for people."""

from __future__ import annotations

import asyncio
import socket

_DEATH = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 15, "TCP_KEEPCNT": 4, "TCP_USER_TIMEOUT": 120_000}
"""Options of the system: a peer that answers nothing for two minutes is given up."""
_QUICK_ACK = getattr(socket, "TCP_QUICKACK", None)


def peer_name(transport: asyncio.BaseTransport) -> tuple[str, str]:
    """Return the host, and host and port."""
    name = transport.get_extra_info("peername")
    if not isinstance(name, tuple) or len(name) < 2:
        return "a local process", "a local process"
    host, port = str(name[0]), name[1]
    host = host.removeprefix("::ffff:")
    return host, f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def notice_death(transport: asyncio.BaseTransport) -> None:
    """Let the system close the connection when the peer's machine is not there any more."""
    connection = transport.get_extra_info("socket")
    if connection is None or connection.family == socket.AF_UNIX:
        return
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _DEATH.items():
        if (option := getattr(socket, name, None)) is not None:
            connection.setsockopt(socket.IPPROTO_TCP, option, value)


class Acknowledging:
    """Lets the system confirm at once what has arrived: Twisted's next packet waits for that, up
    to 40 ms."""

    def __init__(self, transport: asyncio.BaseTransport | None) -> None:
        found = transport.get_extra_info("socket") if transport is not None else None
        is_tcp = found is not None and found.family != socket.AF_UNIX
        self._socket = found if is_tcp and _QUICK_ACK is not None else None

    def now(self) -> None:
        """Confirm what has come; to be called each time: the system forgets the option."""
        if self._socket is not None and _QUICK_ACK is not None and self._socket.fileno() >= 0:
            self._socket.setsockopt(socket.IPPROTO_TCP, _QUICK_ACK, 1)
