"""Sockets that many workers share; the first message of a connection identifies the worker."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import struct
from collections.abc import Callable
from pathlib import Path

from chargehand.kit.unix_sockets import bound

_log = logging.getLogger(__name__)

_BACKLOG = 1024
_CREDENTIALS = struct.Struct("3i")
"""Process, user and group of the peer, from the kernel."""


class UnixListener:
    """A unix socket that accepts only processes of our own user."""

    def __init__(self, path: Path, accept: Callable[[], asyncio.Protocol]) -> None:
        self._path = path
        self._accept = accept
        self._server: asyncio.Server | None = None

    @property
    def path(self) -> Path:
        """The socket's path."""
        return self._path

    async def open(self) -> None:
        """Start listening, unless it already listens. Replaces the socket of a killed master."""
        if self._server is not None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._path.unlink(missing_ok=True)
        listener = bound(self._path, 0o600)
        self._server = await asyncio.get_running_loop().create_unix_server(
            lambda: _Doorkeeper(self._accept), sock=listener, backlog=_BACKLOG
        )

    async def close(self) -> None:
        """Stop listening; accepted connections stay open."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
            self._path.unlink(missing_ok=True)


class _Doorkeeper(asyncio.Protocol):
    """Accepts a connection if it comes from our own user."""

    def __init__(self, accept: Callable[[], asyncio.Protocol]) -> None:
        self._accept = accept

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Check the peer's user, and pass the connection on."""
        assert isinstance(transport, asyncio.Transport)
        user = _user_of(transport.get_extra_info("socket"))
        if user != os.geteuid():
            _log.error("refused a connection to the workers' socket from user id %d", user)
            transport.abort()
            return
        protocol = self._accept()
        transport.set_protocol(protocol)
        protocol.connection_made(transport)


def _user_of(connection: socket.socket) -> int:
    told = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    return int(_CREDENTIALS.unpack(told)[1])
