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
from collections.abc import Awaitable, Callable
from typing import Any, Optional

from chargehand_wire.framing import ProtocolError
from chargehand_wire.master_address import master_address
from chargehand_wire.websocket import Refused, SpeaksNoHttp
from chargehand_worker.failures import is_final, reason
from chargehand_worker.master_websocket import AgentStream, MasterWebsocket
from chargehand_worker.proxy import BadProxy, connect_through, proxy_for
from chargehand_worker.settings import WorkerSettings
from chargehand_worker.tls import BadFile, tls_context, wrong_with

_log = logging.getLogger(__name__)

GAVE_UP = 69
"""The exit code of a link that is not to be started again."""
HEARTBEAT, CONNECTED = b".", b"c"
"""What the link says to the agent: it is alive; it wants a stream for a new connection."""
LEAVING = b"l"
"""What the agent says to the link: it is being stopped."""
HEARTBEAT_SECONDS = 1.0
_CONNECTING_SECONDS = 20.0
_FIRST_PAUSE = 0.1
_EAGER_SECONDS = 120.0
_LONGEST_EAGER_PAUSE = 1.0
"""A master that was there a moment ago comes back soon: pauses stay short for a while."""
_ATTEMPTS = 4
"""Of so many that nobody answers, the last asks for an ordinary websocket."""
_TELL_AGAIN_SECONDS = 600.0
_SETTLED_SECONDS = 0.25
"""A worker is told to be connected when the master has kept it for so long; what ends earlier is
no connection, and the next attempts wait longer and longer."""
_REFUSED_SECONDS = 15.0
"""Within so many seconds after a connection the master says if it does not want the worker."""


async def run_link(settings: WorkerSettings, control: socket.socket) -> int:
    """Connect again and again; return the exit code when the link is to end."""
    control.setblocking(False)
    loop = asyncio.get_running_loop()
    beating = loop.create_task(_beat(control))
    streams = _Streams(control)
    link = RemoteLink(settings, streams.get)
    streams.leaving.add_done_callback(lambda _: link.leave())
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
        self.leaving: asyncio.Future[None] = self._loop.create_future()
        """Done when the agent is about to end."""
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
        if LEAVING in data and not self.leaving.done():
            self.leaving.set_result(None)
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
        self._unheard = 0
        """How many connections in a row have ended before the master said anything."""
        self._is_leaving = False

    def leave(self) -> None:
        """Take it that the worker is being stopped: a connection that ends is not lost."""
        self._is_leaving = True

    async def keep(self) -> int:
        """Connect, and connect again; return the exit code when it has given up."""
        loop = asyncio.get_running_loop()
        connected_at = loop.time()
        pause = _FIRST_PAUSE
        _log.info("connecting to %s", self._address)
        while True:
            why = await self._connect_once()
            if self._is_leaving:
                await loop.create_future()  # What stops the worker ends this, too.
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
        try:
            connection = await self._connected()
        except asyncio.TimeoutError:
            return f"no answer within {_CONNECTING_SECONDS:g} s"
        except (OSError, ProtocolError, Refused, BadProxy, BadFile) as error:
            if isinstance(error, (ProtocolError, ConnectionResetError)):
                self._unheard += 1
            return reason(error, self._address) + self._hint(error)
        try:
            stream = await asyncio.wait_for(self._stream(), _CONNECTING_SECONDS)
        except (asyncio.TimeoutError, OSError):
            connection.abort()
            return "the agent does not respond"
        loop = asyncio.get_running_loop()
        began = loop.time()
        telling = loop.call_later(_SETTLED_SECONDS, _log.info, "connected to %s", self._address)
        try:
            await loop.create_connection(lambda: AgentStream(connection), sock=stream)
            why = await connection.closed
        finally:
            telling.cancel()
            connection.abort()
        # What lies between may let it be opened, and let nothing pass.
        self._unheard = 0 if connection.was_heard else self._unheard + 1
        if self._is_leaving:
            _log.info("disconnected from %s: this worker is being stopped", self._address)
            return None
        if connection.refusal and loop.time() - began < _REFUSED_SECONDS:
            return connection.refusal  # It was let in, and sent away: that is no connection.
        if loop.time() - began < _SETTLED_SECONDS and not connection.is_shut_down:
            return f"the connection has ended at once: {why}"
        if connection.is_shut_down:
            _log.info("disconnected from %s: %s", self._address, why)
        else:
            _log.warning("lost the connection to %s: %s; reconnecting", self._address, why)
        return None

    async def _connected(self) -> MasterWebsocket:
        """Return an open connection; without masks, where the master and what lies between know
        more than websockets."""
        if self._unheard % _ATTEMPTS != _ATTEMPTS - 1:
            try:
                return await self._opened(offers_unmasked=True)
            except Refused as refused:
                if is_final(refused):
                    raise
        return await self._opened(offers_unmasked=False)

    async def _opened(self, *, offers_unmasked: bool) -> MasterWebsocket:
        connection = MasterWebsocket(self._settings, self._address, offers_unmasked=offers_unmasked)
        try:
            await asyncio.wait_for(self._open(connection), _CONNECTING_SECONDS)
        except BaseException:
            connection.abort()
            raise
        return connection

    def _hint(self, error: Exception) -> str:
        """Say what may be the matter with a connection that was closed without a word."""
        closed = (ProtocolError, ConnectionResetError, ConnectionAbortedError, BrokenPipeError)
        if not isinstance(error, closed):
            return ""
        if isinstance(error, SpeaksNoHttp):
            return ""
        if not self._address.is_tls:
            return ". If that port is for TLS, use https://"
        if self._settings.certificate is not None:
            return wrong_with(self._settings.certificate)
        return ". The master may ask for a certificate: name one with certificate in worker.toml"

    async def _open(self, connection: MasterWebsocket) -> None:
        loop = asyncio.get_running_loop()
        address, tls = self._address, tls_context(self._settings) if self._address.is_tls else None
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


def link_main(settings: WorkerSettings, control: int) -> None:
    """Run the link process; *control* is the descriptor of its socket to the agent."""
    code = asyncio.run(run_link(settings, socket.socket(fileno=control)))
    os._exit(code)
