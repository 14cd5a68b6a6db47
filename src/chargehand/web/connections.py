"""Connections in use: limits for their number, and which of them give way."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable
from functools import partial

import msgspec
from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from chargehand.config.web_limits import WebLimits
from chargehand.kit.tasks import Tasks
from chargehand.web.descriptors import usable_connections
from chargehand.web.pending import PendingConnections
from chargehand.web.protocol import Protocol, Rest
from chargehand.web.request_progress import kind_of
from chargehand.web.shares import Shares
from chargehand.web.stalls import Stalls
from chargehand.web.turns import Turn, Turns

_log = logging.getLogger(__name__)

_SWEEP_SECONDS = 5.0
_MAX_TARGET = 256 * 1024
_MAX_FIELD = 16 * 1024
_QUIET_SECONDS = 2.0
_LINGERING_SECONDS = 1.0
"""Seconds to discard remaining input, so that the client sees the answer before the close."""
_GRACE_SECONDS = 1.0
"""Seconds that a client may take to send a body, or to read an answer, although others wait."""
_LOOK_AGAIN_SECONDS = 0.05
"""Looking through all connections in vain costs more than most requests."""

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
KeptAnswer = Callable[[bytes], tuple[bytes, bytes] | None]
"""Returns head and body of the answer to a request that came before as exactly these bytes."""


class _InProgress(msgspec.Struct):
    request: web.BaseRequest
    since: float
    turn: Turn

    @property
    def has_more(self) -> bool:
        """Whether the client has not sent the whole body."""
        return not self.request.content.is_eof()


class Connections(web.Server):
    """Serves connections up to the limit; new ones come in when their first request has arrived.

    When all are in use, one gives way that waits for its client: between requests first, then, for
    a whole request, one whose body or whose reading takes long. Of these the oldest of the address
    that has most, so that a client that opens many cannot lock out others.
    """

    def __init__(
        self,
        handler: Handler,
        *,
        limits: Callable[[], WebLimits],
        request_factory: Callable[..., web.BaseRequest],
        kept_answer: KeptAnswer | None = None,
    ) -> None:
        super().__init__(
            self._handle,
            request_factory=request_factory,
            access_log=None,
            max_line_size=_MAX_TARGET,
            max_field_size=_MAX_FIELD,
            keepalive_timeout=limits().idle_seconds,
            lingering_time=_LINGERING_SECONDS,
        )
        self._handler = handler
        self._limits = limits
        self._kept_answer = kept_answer
        self._pending = PendingConnections(seats=self, limits=limits)
        self._tasks = Tasks("web server")
        self._entering: set[RequestHandler] = set()
        """Connections whose transports are being made."""
        self._open: dict[RequestHandler, tuple[asyncio.Transport, str]] = {}
        """Transports and addresses."""
        self._fresh: dict[RequestHandler, float] = {}
        """Connections without a complete request so far, with their start; the oldest first."""
        self._idle: Shares[RequestHandler] = Shares()
        """Connections without a request in progress."""
        self._turns = Turns()
        self._requests: dict[RequestHandler, _InProgress] = {}
        """Requests in progress; the oldest first."""
        self._stalls: Stalls[RequestHandler] = Stalls()
        self._sweep: asyncio.TimerHandle | None = None
        self._look_again_at = 0.0
        self._is_full = False
        self._used_at = self._loop.time()

    @property
    def count(self) -> int:
        """The number of open connections."""
        return len(self._open) + len(self._entering) + len(self._pending)

    @property
    def is_quiet(self) -> bool:
        """Whether no request has come, or been answered, for a moment."""
        return self._loop.time() - self._used_at >= _QUIET_SECONDS

    def listen(
        self, listening: socket.socket, tls: Callable[[], ssl.SSLContext] | None = None
    ) -> None:
        """Serve the clients of this socket; *tls* returns what encrypts new connections."""
        self._pending.listen(listening, tls)

    def unlisten(self, listening: socket.socket) -> None:
        """Close the socket; connections stay open."""
        self._pending.unlisten(listening)

    async def close(self, *, patience: float) -> None:
        """Stop listening, and let requests in progress finish."""
        await self._pending.close()
        await asyncio.sleep(0)  # Requests that have arrived begin, and count as in progress.
        self.pre_shutdown()
        await self.shutdown(patience)
        await self._tasks.close()

    def __call__(self) -> RequestHandler:
        return self._protocol("", b"")

    def _protocol(self, address: str, received: bytes) -> Protocol:
        protocol = Protocol(self, loop=self._loop, **self._kwargs)
        protocol.begin(self, address, received)
        return protocol

    def take(self, connection: socket.socket, address: str, received: bytes) -> None:
        """Take a connection whose first request has arrived."""
        protocol = self._protocol(address, received)
        self._entering.add(protocol)
        self._tasks.spawn(self._enter(connection, protocol), name="take a connection")

    def take_encrypted(self, transport: asyncio.Transport, address: str, received: bytes) -> None:
        """Take a connection with TLS whose first request has arrived."""
        protocol = self._protocol(address, received)
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        transport.resume_reading()

    async def _enter(self, connection: socket.socket, protocol: RequestHandler) -> None:
        try:
            await self._loop.connect_accepted_socket(lambda: protocol, connection)
        finally:
            self._entering.discard(protocol)

    def connection_made(self, handler: RequestHandler, transport: asyncio.Transport) -> None:
        """Count the connection."""
        super().connection_made(handler, transport)
        self._entering.discard(handler)
        assert isinstance(handler, Protocol)
        self._open[handler] = (transport, handler.address)
        self._fresh[handler] = self._loop.time()
        if self._sweep is None:
            self._sweep = self._loop.call_later(self._sweep_seconds(), self._look)

    def _sweep_seconds(self) -> float:
        limits = self._limits()
        return min(_SWEEP_SECONDS, limits.head_seconds, limits.stall_seconds)

    def connection_lost(self, handler: RequestHandler, exc: BaseException | None = None) -> None:
        """Forget it."""
        super().connection_lost(handler, exc)
        self._forget(handler)
        if not self._open and self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None

    def answer_at_once(self, protocol: Protocol, request: bytes) -> tuple[bytes, bytes] | None:
        """Return the kept answer to a request, if none waits for its turn and it need not either.

        It has no turn, and is never in progress: it has ended when others could know of it.
        """
        answer = None if self._kept_answer is None else self._kept_answer(request)
        if answer is None or self._turns.are_contended or not self._idle.renew(protocol):
            return None
        self._used_at = self._loop.time()
        return answer

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        protocol = request.protocol
        self._fresh.pop(protocol, None)
        self._idle.discard(protocol)
        self._used_at = now = self._loop.time()
        turn = self._turns.begin_at_once(now) or self._wait(request)
        self._requests[protocol] = _InProgress(request, now, turn)
        try:
            if not turn.done():
                await turn
                if protocol not in self._open:
                    raise ConnectionResetError
            assert isinstance(protocol, Protocol)
            if protocol.unsent is not None:
                unsent, protocol.unsent = protocol.unsent, None
                return Rest(unsent)
            return await self._handler(request)
        except ConnectionError:
            if protocol in self._open:
                raise
            return web.Response(status=503)  # Nobody reads it.
        finally:
            self._turns.end(turn)
            self._used_at = self._loop.time()
            self._requests.pop(protocol, None)
            if (known := self._open.get(protocol)) is not None:
                self._idle.add(protocol, known[1])
                self._pending.serve_soon()

    def _wait(self, request: web.BaseRequest) -> Turn:
        known = self._open.get(request.protocol)
        is_whole = request.content.is_eof()
        kind = kind_of(request.method, request.path)
        turn = self._turns.begin(known[1] if known else "", is_whole=is_whole, kind=kind)
        if not is_whole and not turn.done():
            request.content.on_eof(partial(self._turns.arrived, turn, kind))
        return turn

    def end_turn(self, request: web.BaseRequest) -> None:
        """Let others begin: this request only waits from now on."""
        found = self._requests.get(request.protocol)
        if found is not None:
            self._turns.end(found.turn)

    def hand_over(self, request: web.BaseRequest) -> None:
        """Make the request's connection no visitor's: it is in no list any more."""
        found = self._requests.get(request.protocol)
        self._forget(request.protocol)
        if found is not None:
            self._turns.end(found.turn)

    def make_room(self, address: str, *, is_whole: bool) -> bool:
        """Return whether one more can be taken; another may be closed for it."""
        if len(self._open) + len(self._entering) < usable_connections(self._limits()):
            return True
        handler = self._idle_longest()
        if handler is None and self._loop.time() >= self._look_again_at:
            handler = self._held_longest(address, is_whole=is_whole)
            if handler is None:
                self._look_again_at = self._loop.time() + _LOOK_AGAIN_SECONDS
        if handler is not None:
            self._end(handler)
        return handler is not None

    def refused(self) -> None:
        """Say that a request was refused, once until there is room again."""
        if not self._is_full:
            self._is_full = True
            _log.warning(
                "all %d connections of the web server are in use; refusing new ones. "
                "c['www']['limits']['connections'] sets the limit",
                usable_connections(self._limits()),
            )

    def _idle_longest(self) -> RequestHandler | None:
        handler = self._idle.oldest_of_largest()
        if handler is None or not self._is_sending(handler):
            return handler
        return next((one for one in self._idle if not self._is_sending(one)), None)

    def _held_longest(self, address: str, *, is_whole: bool) -> RequestHandler | None:
        """Return a connection whose client lets the server wait, or whose request has not begun.

        One whose client does not let it wait may only give way to an address that has fewer; so
        may any to a client that would let the server wait as well.
        """
        held: Shares[RequestHandler] = Shares()
        waiting: Shares[RequestHandler] = Shares()
        latest = self._loop.time() - _GRACE_SECONDS
        for handler, since in self._fresh.items():
            if since <= latest:
                held.add(handler, self._open[handler][1])
        for handler, request in self._requests.items():
            if not request.turn.done():
                waiting.add(handler, self._open[handler][1])
            elif request.since <= latest and (request.has_more or self._is_sending(handler)):
                held.add(handler, self._open[handler][1])
        for handler in self._idle:
            held.add(handler, self._open[handler][1])
        if is_whole and held:
            return held.oldest_of_largest()
        return _of_larger(held, address) or _of_larger(waiting, address)

    def _is_sending(self, handler: RequestHandler) -> bool:
        return self._open[handler][0].get_write_buffer_size() > 0

    def _look(self) -> None:
        """Close connections that are idle for too long, or whose clients do not read."""
        self._sweep = self._loop.call_later(self._sweep_seconds(), self._look)
        now = self._loop.time()
        limits = self._limits()
        for handler, since in list(self._fresh.items()):
            if now - since >= limits.head_seconds:
                self._end(handler)
        for handler, (transport, _) in list(self._open.items()):
            waiting = transport.get_write_buffer_size()
            if self._stalls.look(handler, waiting, now) >= limits.stall_seconds:
                _log.info("a client does not read its answer; closing its connection")
                self._end(handler)
        self._is_full = self._is_full and len(self._open) >= usable_connections(limits)

    def _end(self, handler: RequestHandler) -> None:
        transport, _ = self._open[handler]
        self._forget(handler)
        transport.abort()

    def _forget(self, handler: RequestHandler) -> None:
        self._open.pop(handler, None)
        self._idle.discard(handler)
        self._fresh.pop(handler, None)
        self._stalls.forget(handler)
        if (request := self._requests.pop(handler, None)) is not None:
            self._turns.drop(request.turn)
        self._pending.serve_soon()


def _of_larger(shares: Shares[RequestHandler], address: str) -> RequestHandler | None:
    largest = shares.largest
    if largest is None or shares.count(address) + 1 >= shares.count(largest):
        return None
    return shares.oldest_of_largest()
