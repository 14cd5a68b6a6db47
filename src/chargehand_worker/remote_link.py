"""The link process of a worker: connects to the master, and carries bytes between it and the agent.

It owns nothing. It may die, be killed or be replaced by a newer one at any moment: the agent
keeps what the master does not have yet, and goes on with the next link.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
import socket
import ssl
from collections.abc import Awaitable, Callable
from typing import Any, Optional

from chargehand_wire.framing import ProtocolError
from chargehand_wire.login import login_headers
from chargehand_wire.master_address import MasterAddress, master_address
from chargehand_wire.websocket import ClientSocket, Closed, Refused
from chargehand_worker.proxy import BadProxy, connect_through, proxy_for
from chargehand_worker.settings import WorkerSettings

_log = logging.getLogger(__name__)

GAVE_UP = 69
"""The exit code of a link that is not to be started again."""
HEARTBEAT, CONNECTED = b".", b"c"
"""What the link says to the agent: it is alive; it wants a stream for a new connection."""
HEARTBEAT_SECONDS = 1.0
_CONNECTING_SECONDS = 20.0
_FIRST_PAUSE = 0.1
_EAGER_SECONDS = 120.0
_LONGEST_EAGER_PAUSE = 2.0
"""A master that was there a moment ago comes back soon: pauses stay short for a while."""
_TELL_AGAIN_SECONDS = 600.0
_SILENCES = 2.5
"""How many times `keepalive` the master may be silent."""
_PIECE = 256 * 1024
_FIRST_PORT_OF_BUILDBOT = 9989


async def run_link(settings: WorkerSettings, control: socket.socket) -> int:
    """Connect again and again; return the exit code when the link is to end."""
    control.setblocking(False)
    loop = asyncio.get_running_loop()
    beating = loop.create_task(_beat(control))
    streams = _Streams(control)
    link = RemoteLink(settings, streams.get)
    keeping = loop.create_task(link.keep())
    ends: list[asyncio.Future[Any]] = [keeping, streams.gone]
    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    beating.cancel()
    return keeping.result() if keeping.done() else 0


async def _beat(control: socket.socket) -> None:
    while True:
        try:
            control.send(HEARTBEAT)
        except BlockingIOError:
            pass  # It has enough to read as a sign of life.
        except OSError:
            return
        await asyncio.sleep(HEARTBEAT_SECONDS)


class _Streams:
    """Gets a stream from the agent for each connection."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._loop = asyncio.get_running_loop()
        self._wanted: Optional[asyncio.Future[socket.socket]] = None
        self.gone: asyncio.Future[None] = self._loop.create_future()
        """Done when the agent has ended."""
        self._loop.add_reader(control, self._receive)

    async def get(self) -> socket.socket:
        """Return one end of a new stream."""
        self._wanted = self._loop.create_future()
        self._control.send(CONNECTED)
        return await self._wanted

    def _receive(self) -> None:
        try:
            data, descriptors, _, _ = socket.recv_fds(self._control, 16, 4)
        except BlockingIOError:
            return
        except OSError:
            data, descriptors = b"", []
        for descriptor in descriptors:
            stream = socket.socket(fileno=descriptor)
            if self._wanted is not None and not self._wanted.done():
                self._wanted.set_result(stream)
            else:
                stream.close()
        if not data:
            self._loop.remove_reader(self._control)
            if not self.gone.done():
                self.gone.set_result(None)


class RemoteLink:
    """Connects a worker to its master, again and again; *stream* gives one end of a new stream
    to the agent for each connection."""

    def __init__(
        self, settings: WorkerSettings, stream: Callable[[], Awaitable[socket.socket]]
    ) -> None:
        self._settings = settings
        self._address = master_address(settings.master)
        self._stream = stream
        self._failures = 0
        self._told: Optional[str] = None
        self._told_at = 0.0

    async def keep(self) -> int:
        """Connect, and connect again; return the exit code when it has given up."""
        loop = asyncio.get_running_loop()
        connected_at = loop.time()
        pause = _FIRST_PAUSE
        while True:
            why = await self._connect_once()
            if why is None:
                self._failures, pause, connected_at = 0, _FIRST_PAUSE, loop.time()
                self._told = None
            else:
                self._failures += 1
                self._tell(why, loop.time() - connected_at)
            limit = self._settings.maxretries
            if limit is not None and self._failures > limit:
                _log.error("giving up after %d failed attempts to connect", self._failures)
                return GAVE_UP
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))
            is_eager = loop.time() - connected_at < _EAGER_SECONDS
            longest = self._settings.maxdelay
            pause = min(2 * pause, min(longest, _LONGEST_EAGER_PAUSE) if is_eager else longest)

    def _tell(self, why: str, seconds: float) -> None:
        """Log why there is no connection: at once when that changes, and again from time to time.

        *seconds* is for how long there has been none.
        """
        now = asyncio.get_running_loop().time()
        if why == self._told and now - self._told_at < _TELL_AGAIN_SECONDS:
            return
        since = f" for {seconds / 60:.0f} min" if seconds >= 60 else ""
        self._told, self._told_at = why, now
        _log.warning("cannot connect to %s%s: %s; retrying", self._address, since, why)

    async def _connect_once(self) -> Optional[str]:
        """Serve one connection to its end; return why there was none."""
        connection = _MasterConnection(self._settings, self._address)
        try:
            await asyncio.wait_for(self._open(connection), _CONNECTING_SECONDS)
        except asyncio.TimeoutError:
            connection.abort()
            return f"no answer within {_CONNECTING_SECONDS:g} s"
        except (OSError, ssl.SSLError, ProtocolError, Refused, BadProxy) as error:
            connection.abort()
            return _reason(error, self._address) + self._hint(error)
        _log.info("connected to %s", self._address)
        try:
            stream = await asyncio.wait_for(self._stream(), _CONNECTING_SECONDS)
        except (asyncio.TimeoutError, OSError):
            connection.abort()
            return "the agent does not respond"
        loop = asyncio.get_running_loop()
        try:
            await loop.create_connection(lambda: _AgentStream(connection), sock=stream)
            why = await connection.closed
        finally:
            connection.abort()
        _log.warning("lost the connection to %s: %s", self._address, why)
        return None

    def _hint(self, error: Exception) -> str:
        """Say what may be the matter with a connection that was closed without a word."""
        is_closed = isinstance(error, (ProtocolError, ConnectionError))
        if not is_closed or not self._address.is_tls or self._settings.certificate is not None:
            return ""
        return ". The master may ask for a certificate: name one with certificate in worker.toml"

    async def _open(self, connection: _MasterConnection) -> None:
        loop = asyncio.get_running_loop()
        address, tls = self._address, _tls(self._settings) if self._address.is_tls else None
        proxy = proxy_for(address, self._settings.proxy)
        if proxy is None:
            await loop.create_connection(lambda: connection, address.host, address.port, ssl=tls)
        else:
            through = await connect_through(proxy, address)
            host = address.host if tls is not None else None
            await loop.create_connection(
                lambda: connection, sock=through, ssl=tls, server_hostname=host
            )
        await connection.opened


def _tls(settings: WorkerSettings) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=settings.ca_file)
    if settings.certificate is not None:
        context.load_cert_chain(settings.certificate, settings.key)
    return context


def _reason(error: Exception, address: MasterAddress) -> str:
    if isinstance(error, Refused):
        return error.text or f"it answered with HTTP status {error.status}"
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"its certificate is not valid: {error.verify_message}. If it is signed by "
            "your own authority, name that with ca_file in worker.toml"
        )
    if isinstance(error, ProtocolError) and address.port == _FIRST_PORT_OF_BUILDBOT:
        return f"{error}. Port {address.port} is for Buildbot's own workers; use the web port"
    if isinstance(error, OSError):
        # asyncio's own sentences name the address again.
        number = error.errno or 0
        return os.strerror(number) if number > 0 else error.strerror or str(error)
    return str(error)


def _closed(closed: Closed) -> str:
    return closed.reason or f"the master closed it (code {closed.code})"


class _MasterConnection(asyncio.Protocol):
    """The connection to the master's web server."""

    def __init__(self, settings: WorkerSettings, address: MasterAddress) -> None:
        self._loop = asyncio.get_running_loop()
        self._keepalive = settings.keepalive
        self._socket = ClientSocket(
            host=address.host_header,
            path=address.path,
            headers=login_headers(settings.name, settings.password),
        )
        self._transport: Optional[asyncio.Transport] = None
        self._agent: Optional[asyncio.Transport] = None
        self._early: list[bytes] = []
        self._heard_at = self._loop.time()
        self._timer: Optional[asyncio.TimerHandle] = None
        self.opened: asyncio.Future[None] = self._loop.create_future()
        self.closed: asyncio.Future[str] = self._loop.create_future()

    def serve(self, agent: asyncio.Transport) -> None:
        """Carry bytes from and to the agent from now on."""
        self._agent = agent
        for piece in self._early:
            agent.write(piece)
        self._early.clear()

    def send(self, data: bytes) -> None:
        """Send what the agent says."""
        if self._transport is not None:
            for start in range(0, len(data), _PIECE):
                self._transport.write(self._socket.data(data[start : start + _PIECE]))

    def pause_reading(self) -> None:
        """Let the master wait: the agent does not keep up."""
        if self._transport is not None:
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Go on."""
        if self._transport is not None:
            self._transport.resume_reading()

    def abort(self) -> None:
        """Close the connection, and the agent's stream; may be called more than once."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._transport is not None:
            self._transport.abort()
        if self._agent is not None:
            self._agent.close()  # What the master has said last is for the agent.

    def end(self, why: str) -> None:
        """Close it for a reason."""
        self.abort()
        if not self.closed.done():
            self.closed.set_result(why)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for a websocket."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        _notice_dead_peers(transport)
        transport.write(self._socket.request())
        self._timer = self._loop.call_later(self._keepalive, self._look)

    def data_received(self, data: bytes) -> None:
        """Pass on what the master says."""
        self._heard_at = self._loop.time()
        try:
            pieces = self._socket.receive(data)
        except (ProtocolError, Refused) as error:
            self._failed(error)
            return
        if self._socket.is_open and not self.opened.done():
            self.opened.set_result(None)
        if self._transport is not None and (replies := self._socket.take()):
            self._transport.write(replies)
        for piece in pieces:
            if self._agent is None:
                self._early.append(piece)
            else:
                self._agent.write(piece)
        if self._socket.closed is not None:
            self.end(_closed(self._socket.closed))

    def eof_received(self) -> None:
        """Take the end; the transport closes itself."""
        try:
            self._socket.ended()
        except (ProtocolError, Refused) as error:
            self._failed(error)

    def connection_lost(self, error: Optional[Exception]) -> None:
        """Give the stream of the agent up as well."""
        self._transport = None
        why = str(error) if error is not None else "the master closed it"
        if not self.opened.done():
            self.opened.set_exception(error or ProtocolError(why))
            self.opened.exception()  # Nobody may be waiting any more.
        self.end(why)

    def pause_writing(self) -> None:
        """Let the agent wait: the master does not keep up."""
        if self._agent is not None:
            self._agent.pause_reading()

    def resume_writing(self) -> None:
        """Go on."""
        if self._agent is not None and not self._agent.is_closing():
            self._agent.resume_reading()

    def _failed(self, error: Exception) -> None:
        if not self.opened.done():
            self.opened.set_exception(error)
            self.opened.exception()
        self.end(_reason(error, _NOWHERE))

    def _look(self) -> None:
        silent = self._loop.time() - self._heard_at
        if silent >= _SILENCES * self._keepalive:
            self.end(f"the master has been silent for {silent:.0f} s")
            return
        if silent >= self._keepalive * 0.9 and self._socket.is_open and self._transport is not None:
            self._transport.write(self._socket.ping())
        self._timer = self._loop.call_later(self._keepalive / 2, self._look)


_NOWHERE = MasterAddress("", 0, False, "")


class _AgentStream(asyncio.Protocol):
    """The stream between the link and the agent, for one connection to the master."""

    def __init__(self, connection: _MasterConnection) -> None:
        self._connection = connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        assert isinstance(transport, asyncio.Transport)
        self._connection.serve(transport)

    def data_received(self, data: bytes) -> None:
        """Pass on what the agent says."""
        self._connection.send(data)

    def connection_lost(self, error: Optional[Exception]) -> None:
        """Close the connection to the master, which notices then."""
        self._connection.end("the agent closed it")

    def pause_writing(self) -> None:
        """Let the master wait."""
        self._connection.pause_reading()

    def resume_writing(self) -> None:
        """Go on."""
        self._connection.resume_reading()


def _notice_dead_peers(transport: asyncio.Transport) -> None:
    connection = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def link_main(settings: WorkerSettings, control: int) -> None:
    """Run the link process; *control* is the descriptor of its socket to the agent."""
    code = asyncio.run(run_link(settings, socket.socket(fileno=control)))
    os._exit(code)
