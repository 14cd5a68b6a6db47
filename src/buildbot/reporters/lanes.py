"""Work that is done in order where it belongs together, and side by side where it does not."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from buildbot._border.bridge import has_loop
from chargehand.kit.guard import guarded
from chargehand.kit.tasks import Tasks

_log = logging.getLogger(__name__)

Work = Callable[[], Awaitable[object]]


class Lanes:
    """One queue per subject: a subject's pieces of work wait for each other.

    *at_once* subjects are worked on at the same time; `put` waits while *most* pieces wait. A piece
    of work that fails is logged.
    """

    def __init__(self, name: str, *, at_once: int = 10, most: int = 1_000) -> None:
        self._tasks = Tasks(name)
        self._lanes: dict[Any, deque[Work]] = {}
        self._turns = asyncio.Semaphore(at_once)
        self._most = most
        self._waiting = 0
        self._room = asyncio.Event()
        self._room.set()
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def waiting(self) -> int:
        """How many pieces of work have not been done."""
        return self._waiting

    async def put(self, subject: Any, work: Work) -> None:
        """Queue a piece of work; without an asyncio loop (an author's test) do it now."""
        if not has_loop():
            await work()
            return
        while self._waiting >= self._most:
            self._room.clear()
            await self._room.wait()
        self._waiting += 1
        self._idle.clear()
        lane = self._lanes.get(subject)
        if lane is not None:
            lane.append(work)
            return
        self._lanes[subject] = deque([work])
        self._tasks.spawn(self._run(subject), name=str(subject))

    async def close(self, *, patience: float) -> None:
        """Finish what waits, within *patience* seconds; then give it up."""
        if not has_loop():
            return
        try:
            async with asyncio.timeout(patience):
                await self._idle.wait()
        except TimeoutError:
            pass
        await self._tasks.close(patience=patience)

    async def _run(self, subject: Any) -> None:
        lane = self._lanes[subject]
        async with self._turns:
            while lane:
                try:
                    with guarded(_log, "work for %s failed", subject):
                        await lane[0]()
                finally:
                    lane.popleft()
                    self._waiting -= 1
                    self._room.set()
                    if not lane:
                        del self._lanes[subject]
        if not self._waiting:
            self._idle.set()
