"""The websocket of a link process, and the stream whose bytes it carries."""

from __future__ import annotations

import asyncio
import socket
from typing import Optional

from chargehand_wire.framing import Bytes, ProtocolError
from chargehand_wire.login import login_headers
from chargehand_wire.master_address import MasterAddress
from chargehand_wire.websocket import ClientSocket, Refused
from chargehand_wire.websocket_frames import GOING_AWAY, SHUT_DOWN
from chargehand_worker.failures import closed_why, reason
from chargehand_worker.settings import WorkerSettings
from chargehand_worker.silence import Silence

_SILENCES = 2.5
"""How many times `keepalive` the master may be silent."""


class MasterWebsocket(asyncio.Protocol):
    """The connection to the master's web server."""

    def __init__(
        self, settings: WorkerSettings, address: MasterAddress, *, offers_unmasked: bool
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._keepalive = settings.keepalive
        self._socket = ClientSocket(
            host=address.host_header,
            path=address.path,
            headers=login_headers(settings.name, settings.password),
            offers_unmasked=offers_unmasked,
        )
        self._transport: Optional[asyncio.Transport] = None
        self._agent: Optional[asyncio.Transport] = None
        self._early: list[Bytes] = []
        self._silence = Silence(self._loop)
        self._timer: Optional[asyncio.TimerHandle] = None
        self.opened: asyncio.Future[None] = self._loop.create_future()
        self.closed: asyncio.Future[str] = self._loop.create_future()
        self.refusal = ""
        """Why the master does not want the worker, in its own words."""
        self.is_shut_down = False
        """Whether the master has shut the worker down."""
        self.was_heard = False
        """Whether the master has said anything over it."""

    def serve(self, agent: asyncio.Transport) -> None:
        """Carry bytes from and to the agent from now on."""
        self._agent = agent
        for piece in self._early:
            agent.write(piece)
        self._early.clear()

    def send(self, data: bytes) -> None:
        """Send what the agent says."""
        if self._transport is not None:
            for part in self._socket.data(data):
                self._transport.write(part)

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
        self._look_in(self._keepalive)

    def data_received(self, data: bytes) -> None:
        """Pass on what the master says."""
        self._silence.end()
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
            self.was_heard = True
            if self._agent is None:
                self._early.append(piece)
            else:
                self._agent.write(piece)
        if self._socket.closed is not None:
            closed = self._socket.closed
            self.is_shut_down = closed.code == SHUT_DOWN
            self.refusal = "" if closed.code in (GOING_AWAY, SHUT_DOWN) else closed.reason
            self.end(closed_why(closed))

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
        self.end(reason(error))

    def _look(self) -> None:
        silent = self._silence.seconds()
        if silent >= _SILENCES * self._keepalive:
            self.end(f"the master has been silent for {silent:.0f} s")
            return
        if silent >= self._keepalive * 0.9 and self._socket.is_open and self._transport is not None:
            self._transport.write(self._socket.ping())
        self._look_in(self._keepalive / 2)

    def _look_in(self, seconds: float) -> None:
        self._silence.look_in(seconds)
        self._timer = self._loop.call_later(seconds, self._look)


class AgentStream(asyncio.Protocol):
    """The stream between the link and the agent, for one connection to the master."""

    def __init__(self, connection: MasterWebsocket) -> None:
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
