"""Sockets that many workers share; the first message of a connection identifies the worker."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import ssl
import struct
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from chargehand.config.model import WorkerPort
from chargehand.kit.refused_ports import what_to_do
from chargehand.kit.tls_contexts import server_context
from chargehand.kit.unix_sockets import bound
from chargehand.links.tls_arrival import TlsArrivals
from chargehand_wire.certificates import out_of_date

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


class PortNotOpened(OSError):
    """Nothing can listen on a port of workers; the message says which, why, and what to do."""


class WorkerPorts:
    """Listens on the ports of workers; *protocols* make what handles a new connection."""

    def __init__(self, protocols: Mapping[str, Callable[[], asyncio.Protocol]]) -> None:
        self._protocols = protocols
        self._servers: dict[WorkerPort, asyncio.Server] = {}
        self._encrypted: dict[WorkerPort, TlsArrivals] = {}

    def number(self, port: WorkerPort) -> int:
        """Return the number of an open port; 0 for others."""
        server = self._servers.get(port)
        if server is None or not server.sockets or isinstance(port.address, str):
            return 0
        return int(server.sockets[0].getsockname()[1])

    async def listen(self, wanted: Sequence[WorkerPort]) -> None:
        """Have exactly these ports; all or nothing. Raises PortNotOpened.

        Connections that were accepted stay open. New ports take none before `serve`. The
        certificates of ports that stay open are read again: they may have been renewed.
        """
        opened: dict[WorkerPort, asyncio.Server] = {}
        try:
            for port in dict.fromkeys(wanted):
                if port not in self._servers:
                    opened[port] = await self._open(port)
        except PortNotOpened:
            for server in opened.values():
                server.close()
            raise
        for port in self._encrypted.keys() & self._servers.keys() & set(wanted):
            self._renew(port)
        self._servers.update(opened)
        for port in self._servers.keys() - set(wanted):
            self._servers.pop(port).close()
            self._encrypted.pop(port, None)

    def _renew(self, port: WorkerPort) -> None:
        try:
            context = _tls(port)
        except OSError as error:
            _log.error(
                "cannot read the certificate of %s for workers again (%s); the previous one stays "
                "in use",
                _described(port, self.number(port)),
                error.strerror or error,
            )
            return
        if context is not None:
            self._encrypted[port].renew(context)
            self._complain_of_certificate(port)

    def _complain_of_certificate(self, port: WorkerPort) -> None:
        """Say that the certificate is not valid now: workers that refuse it do not tell us."""
        if port.tls is None:
            return
        try:
            text = Path(port.tls.certificate).read_bytes()
        except OSError:
            return  # It could be read a moment ago, and is in use.
        if (wrong := out_of_date(text, datetime.now(UTC))) is not None:
            _log.error(
                "the certificate of %s for workers %s, and workers refuse it: renew %s, and "
                "reconfigure the master",
                *(_described(port, self.number(port)), wrong, port.tls.certificate),
            )

    async def serve(self) -> None:
        """Take connections."""
        for port, server in self._servers.items():
            if not server.is_serving():
                await server.start_serving()
                opened = _described(port, self.number(port))
                _log.info("listening on %s for workers (%s)", opened, port.protocol)
                self._complain_of_certificate(port)

    async def close(self) -> None:
        """Stop listening; accepted connections stay open."""
        await self.listen(())

    async def _open(self, port: WorkerPort) -> asyncio.Server:
        loop = asyncio.get_running_loop()
        accept = self._protocols[port.protocol]
        try:
            if (context := _tls(port)) is not None:
                accept = self._encrypted[port] = TlsArrivals(accept, context)
            if isinstance(port.address, str):
                return await loop.create_unix_server(
                    accept,
                    sock=_unix_socket(Path(port.address)),
                    backlog=_BACKLOG,
                    start_serving=False,
                )
            host, number = port.address
            return await loop.create_server(
                accept,
                host or None,
                number,
                backlog=_BACKLOG,
                start_serving=False,
            )
        except OSError as error:
            raise PortNotOpened(
                f"cannot listen on {_described(port)} for workers: {error.strerror or error}. "
                + what_to_do(error, f"c['protocols']['{port.protocol}']")
            ) from error


def _unix_socket(path: Path) -> socket.socket:
    path.unlink(missing_ok=True)
    return bound(path, 0o660)


def _tls(port: WorkerPort) -> ssl.SSLContext | None:
    files = port.tls
    if files is None:
        return None
    return server_context(
        certificate=files.certificate,
        key=files.key,
        chain=files.chain,
        client_ca=files.client_ca,
    )


def _described(port: WorkerPort, opened: int = 0) -> str:
    if isinstance(port.address, str):
        return f"the unix socket {port.address}"
    host, number = port.address
    number = opened or number
    return f"{host}:{number}" if host else f"port {number}"
