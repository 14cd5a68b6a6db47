"""Who is at the other end of a connection, for people."""

from __future__ import annotations

import asyncio
import socket

_DEATH = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 15, "TCP_KEEPCNT": 4, "TCP_USER_TIMEOUT": 120_000}
"""Options of the system: a peer that answers nothing for two minutes is given up."""


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
