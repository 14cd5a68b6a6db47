"""Doors: listeners that many workers share; what a connection is for shows when it speaks."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import struct
from collections.abc import Callable
from pathlib import Path

_log = logging.getLogger(__name__)

_BACKLOG = 1024
_LONGEST_ADDRESS = 107
_CREDENTIALS = struct.Struct("3i")
"""Process, user and group of the other side, as the kernel tells them."""


class UnixDoor:
    """A unix socket that only processes of our own user may connect to."""

    def __init__(self, path: Path, accept: Callable[[], asyncio.Protocol]) -> None:
        self._path = path
        self._accept = accept
        self._server: asyncio.Server | None = None

    @property
    def path(self) -> Path:
        """Where it is."""
        return self._path

    async def open(self) -> None:
        """Listen, unless it does already. A socket that a killed master left there is replaced."""
        if self._server is not None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._path.unlink(missing_ok=True)
        listener = _bound(self._path)
        self._server = await asyncio.get_running_loop().create_unix_server(
            lambda: _Doorkeeper(self._accept), sock=listener, backlog=_BACKLOG
        )

    async def close(self) -> None:
        """Listen no more; connections that were accepted stay."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
            self._path.unlink(missing_ok=True)


class _Doorkeeper(asyncio.Protocol):
    """Lets a connection in when it comes from our own user."""

    def __init__(self, accept: Callable[[], asyncio.Protocol]) -> None:
        self._accept = accept

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Look who it is, and hand it on."""
        assert isinstance(transport, asyncio.Transport)
        user = _user_of(transport.get_extra_info("socket"))
        if user != os.geteuid():
            _log.error("refused a connection to the workers' socket from user %d", user)
            transport.abort()
            return
        protocol = self._accept()
        transport.set_protocol(protocol)
        protocol.connection_made(transport)


def _user_of(connection: socket.socket) -> int:
    told = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    return int(_CREDENTIALS.unpack(told)[1])


def _bound(path: Path) -> socket.socket:
    """Return a socket bound to *path*, closed to others before anybody can connect to it."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with contextlib.ExitStack() as on_failure:
        on_failure.callback(listener.close)
        if len(os.fsencode(path)) <= _LONGEST_ADDRESS:
            listener.bind(os.fsencode(path))
        else:
            # The address of a unix socket is short: a longer one begins at an open directory.
            directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                listener.bind(f"/proc/self/fd/{directory}/{path.name}")
            finally:
                os.close(directory)
        path.chmod(0o600)
        on_failure.pop_all()
    return listener
