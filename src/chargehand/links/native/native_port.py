"""Ports at which only our own workers connect."""

from __future__ import annotations

from aiohttp import web

from chargehand.links.http_port import HttpPort
from chargehand.links.native.worker_door import WorkerDoor


class NativePort(HttpPort):
    """Serves connections of workers; called, it returns what handles a new one."""

    def __init__(self, door: WorkerDoor) -> None:
        super().__init__("the port of native workers")
        self._door = door

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Let the worker in, and serve its connection to its end."""
        return await self._door.serve(request, None)
