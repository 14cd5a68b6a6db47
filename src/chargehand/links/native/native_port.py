"""Ports at which only our own workers connect."""

from __future__ import annotations

import asyncio

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from chargehand.links.native.worker_door import WorkerDoor

_SILENT_SECONDS = 10.0
"""Seconds after which who has not said what he wants is sent away."""
_SHUTDOWN_SECONDS = 1.0


class NativePort(web.Server):
    """Serves connections of workers; called, it returns what handles a new one."""

    def __init__(self, door: WorkerDoor) -> None:
        super().__init__(self._serve, access_log=None)
        self._door = door
        self._silent: dict[RequestHandler, asyncio.TimerHandle] = {}

    def connection_made(self, handler: RequestHandler, transport: asyncio.Transport) -> None:
        """Wait, for a limited time, for the worker's request."""
        super().connection_made(handler, transport)
        loop = asyncio.get_running_loop()
        self._silent[handler] = loop.call_later(_SILENT_SECONDS, transport.abort)

    def connection_lost(self, handler: RequestHandler, exc: BaseException | None = None) -> None:
        """Forget it."""
        super().connection_lost(handler, exc)
        self._heard(handler)

    async def close(self) -> None:
        """Close all connections."""
        await self.shutdown(_SHUTDOWN_SECONDS)

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        self._heard(request.protocol)
        answer = await self._door.serve(request, None)
        answer.force_close()
        return answer

    def _heard(self, handler: RequestHandler) -> None:
        if (timer := self._silent.pop(handler, None)) is not None:
            timer.cancel()
