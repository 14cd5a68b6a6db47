"""Ports of workers that connect with HTTP; connections without a request are few."""

from __future__ import annotations

import asyncio

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from chargehand.kit.bad_requests import TerseHandler
from chargehand.kit.peers import peer_name
from chargehand.kit.strangers import Strangers

_SHUTDOWN_SECONDS = 1.0


class _Visitor:
    """A connection without a request."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self.host, _ = peer_name(transport)
        self.is_silent = True

    def abort(self) -> None:
        """Close the connection."""
        self._transport.abort()


class HttpPort(web.Server):
    """Serves connections of workers; called, it returns what handles a new one."""

    def __init__(self) -> None:
        super().__init__(self._serve, access_log=None)
        self._strangers = Strangers()
        self._visitors: dict[RequestHandler, _Visitor] = {}

    def __call__(self) -> RequestHandler:
        """Return what handles a new connection."""
        return TerseHandler(self, loop=self._loop, **self._kwargs)

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

    async def close(self) -> None:
        """Close all connections."""
        await self.shutdown(_SHUTDOWN_SECONDS)

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        self._leave(request.protocol)
        answer = await self.answer(request)
        answer.force_close()
        return answer

    def _leave(self, handler: RequestHandler) -> None:
        if (visitor := self._visitors.pop(handler, None)) is not None:
            self._strangers.leave(visitor)
