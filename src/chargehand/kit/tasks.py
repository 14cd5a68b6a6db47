"""Long-lived tasks, each with a name and an owner."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Never, TypeVar

from chargehand.kit.expected import Expected
from chargehand.kit.guard import described, guarded

_log = logging.getLogger(__name__)

_T = TypeVar("_T")

_HEALTHY_AFTER = 60.0
"""What has run this long before it failed is restarted soon."""


class Tasks:
    """Owns tasks: logs failures once; `close` cancels and awaits all of them."""

    def __init__(self, owner: str) -> None:
        self._owner = owner
        self._tasks: set[asyncio.Task[object]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def spawn(self, work: Coroutine[object, Never, _T], *, name: str) -> asyncio.Task[_T]:
        """Start *work*; its failure is logged, its cancellation is not."""
        task = asyncio.get_running_loop().create_task(work, name=f"{self._owner}: {name}")
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def keep(self, work: Callable[[], Awaitable[object]], *, name: str) -> asyncio.Task[None]:
        """Start *work*, and start it again when it fails: after 1, 2, 4 … up to 60 s."""
        return self.spawn(self._keep(work, name), name=name)

    async def _keep(self, work: Callable[[], Awaitable[object]], name: str) -> None:
        pause = 1.0
        while True:
            began = asyncio.get_running_loop().time()
            with guarded(_log, "%s: %s failed; restarting it", self._owner, name) as attempt:
                await work()
            if attempt.failure is None:
                return
            if asyncio.get_running_loop().time() - began > _HEALTHY_AFTER:
                pause = 1.0
            await asyncio.sleep(pause)
            pause = min(2 * pause, _HEALTHY_AFTER)

    def repeat(
        self, work: Callable[[], Awaitable[object]], *, every: float, name: str
    ) -> asyncio.Task[None]:
        """Repeat *work* every *every* seconds; logs failures."""
        return self.spawn(self._repeat(work, every, name), name=name)

    async def _repeat(self, work: Callable[[], Awaitable[object]], every: float, name: str) -> None:
        while True:
            await asyncio.sleep(every)
            with guarded(_log, "%s: %s failed; retrying in %g s", self._owner, name, every):
                await work()

    def _ended(self, task: asyncio.Task[object]) -> None:
        self._tasks.discard(task)
        if task.cancelled() or (error := task.exception()) is None:
            return
        if isinstance(error, Expected):
            _log.error("task %s failed: %s", task.get_name(), error)
        else:
            _log.error("task %s failed", task.get_name(), exc_info=described(error))

    async def close(self, *, patience: float | None = None) -> None:
        """Cancel the running tasks and wait for their end.

        Tasks that run users' code may ignore the cancellation: they are abandoned after *patience*
        seconds, and logged by name.
        """
        if not self._tasks:
            return
        for task in (tasks := list(self._tasks)):
            task.cancel()
        _, left = await asyncio.wait(tasks, timeout=patience)
        for task in left:
            _log.warning("task %s ignores its cancellation; abandoning it", task.get_name())
