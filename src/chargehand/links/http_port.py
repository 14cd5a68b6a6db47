"""Ports of workers that connect with HTTP; connections without a request are few."""

from __future__ import annotations

import asyncio

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_protocol import RequestHandler

from chargehand.kit.bad_requests import TerseHandler
from chargehand.kit.peers import peer_name
from chargehand.kit.strangers import Strangers
from chargehand.links.foreign import foreign_protocol
from chargehand.links.turned_away import TurnedAway

_SHUTDOWN_SECONDS = 1.0
_SILENCE = (
    "; a stock worker that speaks Perspective Broker, and has the wrong port, waits for the "
    "master to begin"
)
_BEGINNING = 16
"""Bytes by which a protocol is recognised."""
_NO_HTTP = "what it sends is not HTTP"


class _Visitor:
    """A connection without a request."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self.host, self.address = peer_name(transport)
        self.is_silent = True
        self.beginning = b""
        """What it has sent first."""

    def abort(self) -> None:
        """Close the connection."""
        self._transport.abort()


class _Handler(TerseHandler):
    """One connection; tells its port what came first, and what cannot be read."""

    __slots__ = ("has_spoken", "port")

    port: HttpPort
    has_spoken: bool

    def data_received(self, data: bytes) -> None:
        if not self.has_spoken:
            self.has_spoken = True
            self.port.heard(self, data)
        super().data_received(data)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        if isinstance(exc, HttpProcessingError):
            self.port.cannot_read(self)
        return super().handle_error(request, status, exc, message)


class HttpPort(web.Server):
    """Serves connections of workers; called, it returns what handles a new one.

    *port* is its name for people.
    """

    def __init__(self, port: str) -> None:
        super().__init__(self._serve, access_log=None)
        self._strangers = Strangers(port, silence=_SILENCE)
        self._visitors: dict[RequestHandler, _Visitor] = {}

    def __call__(self) -> RequestHandler:
        """Return what handles a new connection."""
        handler = _Handler(self, loop=self._loop, **self._kwargs)
        handler.port, handler.has_spoken = self, False
        return handler

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Serve a request, which says who it is; the connection is closed after it."""
        raise NotImplementedError

    def connection_made(self, handler: RequestHandler, transport: asyncio.Transport) -> None:
        """Wait, for a limited time, for the worker's request."""
        super().connection_made(handler, transport)
        visitor = self._visitors[handler] = _Visitor(transport)
        self._strangers.arrive(visitor)

    def connection_lost(self, handler: RequestHandler, exc: BaseException | None = None) -> None:
        """Forget it."""
        super().connection_lost(handler, exc)
        self._leave(handler)

    def heard(self, handler: RequestHandler, data: bytes) -> None:
        """Note what a connection begins with."""
        if (visitor := self._visitors.get(handler)) is not None:
            visitor.is_silent = False
            visitor.beginning = data[:_BEGINNING]

    def cannot_read(self, handler: RequestHandler) -> None:
        """Tell the log of a connection whose request cannot be read."""
        if (visitor := self._visitors.get(handler)) is not None:
            protocol = foreign_protocol(visitor.beginning)
            is_other = protocol not in (None, "HTTP")
            self._strangers.tell(visitor, f"it speaks {protocol}" if is_other else _NO_HTTP)

    async def close(self) -> None:
        """Close all connections."""
        await self.shutdown(_SHUTDOWN_SECONDS)

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        visitor = self._leave(request.protocol)
        answer = await self.answer(request)
        if isinstance(answer, TurnedAway) and visitor is not None:
            self._strangers.tell(visitor, answer.why)
        answer.force_close()
        return answer

    def _leave(self, handler: RequestHandler) -> _Visitor | None:
        if (visitor := self._visitors.pop(handler, None)) is not None:
            self._strangers.leave(visitor)
        return visitor
