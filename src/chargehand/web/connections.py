"""Client connections: limits for their number and for idle ones."""

from __future__ import annotations

import asyncio
import logging
import resource
from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from chargehand.config.web_limits import WebLimits

_log = logging.getLogger(__name__)

_SWEEP_SECONDS = 5.0
_MAX_TARGET = 256 * 1024
_MAX_FIELD = 16 * 1024
_MAX_HEAD = 512 * 1024
_MOST_AT_ONCE = 256
_OTHERS = 64
"""File descriptors that an idle master needs."""
_QUIET_SECONDS = 2.0
_LINGERING_SECONDS = 1.0
"""Seconds to discard remaining input, so that the client sees the answer before the close."""

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


def usable_connections(limits: WebLimits) -> int:
    """Return the maximum of open connections: half of the descriptors are for the engine."""
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if descriptors == resource.RLIM_INFINITY:
        return limits.connections
    return max(1, min(limits.connections, descriptors // 2))


def accepted_at_once(limits: WebLimits) -> int:
    """Return how many connections to accept at a time: each takes a descriptor at once."""
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if descriptors == resource.RLIM_INFINITY:
        return _MOST_AT_ONCE
    free = descriptors - usable_connections(limits) - _OTHERS
    return max(8, min(_MOST_AT_ONCE, free // 4))


class _Protocol(RequestHandler):
    """Closes connections that never finish a request's headers."""

    __slots__ = ("_head_size", "_requests_seen")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._head_size = self._requests_seen = 0
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._requests_seen != self._request_count:
            self._requests_seen = self._request_count
            self._head_size = 0
        elif (
            self._waiter is not None
        ):  # No request is in progress: this is part of a request's headers.
            self._head_size += len(data)
            if self._head_size > _MAX_HEAD and self.transport is not None:
                self.transport.abort()


class Connections(web.Server):
    """Accepts connections up to the limit, then closes those that were idle longest.

    A connection is idle while it has no request in progress. Those that never sent a request are
    closed first, so that a client that opens many cannot lock out others.
    """

    def __init__(
        self,
        handler: Handler,
        *,
        limits: Callable[[], WebLimits],
        request_factory: Callable[..., web.BaseRequest],
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
        self._open: dict[RequestHandler, asyncio.Transport] = {}
        self._fresh: dict[RequestHandler, float] = {}
        """Connections without any request so far, with their start; the oldest first."""
        self._idle: dict[RequestHandler, float] = {}
        """Idle connections between requests."""
        self._stalled: dict[RequestHandler, tuple[int, float]] = {}
        """Bytes waiting to be sent, and since when the number has not fallen."""
        self._sweep: asyncio.TimerHandle | None = None
        self._is_full = False
        self._used_at = self._loop.time()

    @property
    def count(self) -> int:
        """The number of open connections."""
        return len(self._open)

    @property
    def is_quiet(self) -> bool:
        """Whether no request has come, or been answered, for a moment."""
        return self._loop.time() - self._used_at >= _QUIET_SECONDS

    def __call__(self) -> RequestHandler:
        return _Protocol(self, loop=self._loop, **self._kwargs)

    def connection_made(self, handler: RequestHandler, transport: asyncio.Transport) -> None:
        """Accept the connection; close an idle one if the limit is reached."""
        super().connection_made(handler, transport)
        if len(self._open) >= usable_connections(self._limits()) and not self._make_room():
            self._say_full()
            transport.abort()
            return
        self._open[handler] = transport
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

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        protocol = request.protocol
        self._fresh.pop(protocol, None)
        self._idle.pop(protocol, None)
        self._used_at = self._loop.time()
        try:
            return await self._handler(request)
        finally:
            self._used_at = self._loop.time()
            if protocol in self._open:
                self._idle[protocol] = self._used_at

    def _make_room(self) -> bool:
        for waiting in (self._fresh, self._idle):
            for handler in waiting:
                transport = self._open[handler]
                if transport.get_write_buffer_size() == 0:
                    self._end(handler)
                    return True
        return False

    def _look(self) -> None:
        """Close connections that are idle for too long, or whose clients do not read."""
        self._sweep = self._loop.call_later(self._sweep_seconds(), self._look)
        now = self._loop.time()
        limits = self._limits()
        for handler, since in list(self._fresh.items()):
            if now - since >= limits.head_seconds:
                self._end(handler)
        for handler, transport in list(self._open.items()):
            waiting = transport.get_write_buffer_size()
            before, since = self._stalled.get(handler, (0, now))
            if not waiting:
                self._stalled.pop(handler, None)
            elif handler not in self._stalled or waiting < before:
                self._stalled[handler] = (waiting, now)
            elif now - since >= limits.stall_seconds:
                _log.info("a client does not read its answer; closing its connection")
                self._end(handler)
        self._is_full = len(self._open) >= usable_connections(limits)

    def _end(self, handler: RequestHandler) -> None:
        transport = self._open[handler]
        self._forget(handler)
        transport.abort()

    def _forget(self, handler: RequestHandler) -> None:
        for known in (self._open, self._fresh, self._idle, self._stalled):
            known.pop(handler, None)

    def _say_full(self) -> None:
        if not self._is_full:
            self._is_full = True
            _log.warning(
                "all %d connections of the web server are in use; refusing new ones. "
                "c['www']['limits']['connections'] sets the limit",
                len(self._open),
            )
