"""Tells workers of the configuration that they have connected, or are disconnected."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from typing import Any

from buildbot._border.bridge import answered
from buildbot._border.calls import takes
from chargehand.events.bus import Bus
from chargehand.events.messages import WorkerConnected, WorkerDisconnected
from chargehand.kit.guard import guarded
from chargehand.kit.tasks import Tasks

_log = logging.getLogger(__name__)

_PATIENCE = 5.0
"""Seconds that calls may still take when the master stops."""


class Connections:
    """Calls ``attached`` and ``detached`` of workers whose classes have their own."""

    def __init__(self) -> None:
        self._workers: dict[str, Any] = {}
        self._tasks = Tasks("connections of workers")
        self._connected: dict[str, Any] = {}
        """Those that were told that they have connected."""
        self._last: dict[str, asyncio.Task[None]] = {}
        """The call that was begun last, by worker: one begins after the other has ended."""

    def use(self, workers: Iterable[Any]) -> None:
        """Call these workers from now on."""
        self._workers = {
            worker.name: worker
            for worker in workers
            if getattr(worker, "_hears_connections", False)
        }

    def listen(self, bus: Bus) -> None:
        """Listen for connections."""
        bus.subscribe(self._on_event, WorkerConnected, WorkerDisconnected)

    async def close(self) -> None:
        """Let the calls that have begun end, unless they take long; call nothing more."""
        if begun := [task for task in self._last.values() if not task.done()]:
            await asyncio.wait(begun, timeout=_PATIENCE)
        await self._tasks.close(patience=1.0)

    def _on_event(self, event: WorkerConnected | WorkerDisconnected) -> None:
        name = event.worker.name
        is_connected = isinstance(event, WorkerConnected)
        former = self._connected.pop(name, None)
        # A worker that is configured no more hears of the end of its connection, too.
        worker = self._workers.get(name, None if is_connected else former)
        if worker is not None:
            if is_connected:
                self._connected[name] = worker
            self._last[name] = self._tasks.spawn(
                self._tell(worker, is_connected, self._last.get(name)), name=name
            )

    async def _tell(self, worker: Any, is_connected: bool, last: asyncio.Task[None] | None) -> None:
        if last is not None:
            await asyncio.wait((last,))
        method = "attached" if is_connected else "detached"
        with guarded(_log, "worker %s: %s.%s failed", worker.name, type(worker).__name__, method):
            if is_connected:
                await answered(method, worker.attached, worker)
            else:
                old = () if takes(worker.detached, 0) else (worker,)
                await answered(method, worker.detached, *old)
