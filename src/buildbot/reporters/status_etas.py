"""ETAs of builds and steps, as status receivers of Buildbot 0.8 get them every few seconds."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from chargehand.kit.guard import guarded
from chargehand.kit.tasks import Tasks

_log = logging.getLogger(__name__)

_SHORTEST = 0.1
"""Seconds between two updates at least, whatever a receiver asks for."""

Tell = Callable[[float], Awaitable[Any]]


class EtaUpdates:
    """Tells a receiver when builds and steps are expected to end, until they have ended."""

    def __init__(self, name: str) -> None:
        self._tasks = Tasks(f"status receiver {name}")
        self._following: dict[tuple[str, int], asyncio.Task[None]] = {}

    def follow(self, kind: str, number: int, found: Any, every: float, tell: Tell) -> None:
        """Call *tell* with the seconds that *found*, a build or a step, has left: now, and every
        *every* seconds while they are known."""
        work = self._follow(found, max(every, _SHORTEST), tell)
        self._following[kind, number] = self._tasks.spawn(work, name=f"ETA of {kind} {number}")

    def forget(self, kind: str, number: int) -> None:
        """It has ended."""
        if (task := self._following.pop((kind, number), None)) is not None:
            task.cancel()

    async def close(self) -> None:
        """Tell nothing more."""
        await self._tasks.close()

    async def _follow(self, found: Any, every: float, tell: Tell) -> None:
        while True:
            with guarded(_log, "a status receiver failed on an ETA"):
                if (seconds := found.getETA()) is not None:
                    await tell(seconds)
            await asyncio.sleep(every)


def interval_of(answer: Any) -> float | None:
    """Return how often a receiver wants ETAs, which it says with ``return (self, seconds)``."""
    match answer:
        case (_, int() | float() as seconds):
            return float(seconds)
        case _:
            return None
