"""Methods that are called again and again: ``@poll.method``."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from buildbot._border.bridge import answered_within, outward, settled
from chargehand.intake.polling import PollingLoop, Schedule
from chargehand.kit.guard import guarded
from chargehand.kit.tasks import Tasks

__all__ = ["Poller", "method"]

_log = logging.getLogger(__name__)

POLL_SECONDS = 3600.0
"""How long one call may take."""

_calling: ContextVar[Poller | None] = ContextVar("_calling", default=None)
"""Whose method runs here."""


class Poller:
    """What an object has under the name of its ``@poll.method``.

    Calls never overlap. One that fails is logged, and the calls go on.

    Args:
        function (Callable[[Any], Any]): The method; plain, ``async``, or one that returns a
            Deferred.
        instance (Any): The object that it is a method of.
    """

    def __init__(self, function: Callable[[Any], Any], instance: Any) -> None:
        self._function = function
        self._instance = instance
        self._name = f"{type(instance).__name__}.{function.__name__}"
        self._turn = asyncio.Lock()
        self._tasks: Tasks | None = None

    def __call__(self) -> Any:
        """Call the method at once, or when the running call has ended; the Deferred fires after
        that."""
        return outward(self._guarded())

    def start(
        self,
        interval: float,
        now: bool = False,
        random_delay_min: float = 0,
        random_delay_max: float = 0,
    ) -> Any:
        """Call the method every *interval* seconds, plus a random delay; with *now* at once, too.

        Raises RuntimeError if it was started already.
        """
        if self._tasks is not None:
            raise RuntimeError(f"{self._name} was started already")
        schedule = Schedule(
            interval=float(interval),
            at_launch=bool(now),
            random_delay_min=float(random_delay_min),
            random_delay_max=float(random_delay_max),
        )
        self._tasks = tasks = Tasks(self._name)
        loop = PollingLoop(
            name=self._name, poll=lambda: self._in_turn(scheduled=tasks), schedule=schedule
        )
        tasks.spawn(loop.run(), name=self._name)
        return settled(None)

    def stop(self) -> Any:
        """Call it no more; the Deferred fires when a running call has ended.

        The method may call this itself: then it fires at once.
        """
        tasks, self._tasks = self._tasks, None
        ended = outward(self._ended(tasks))
        return settled(None) if _calling.get() is self else ended

    async def _ended(self, tasks: Tasks | None) -> None:
        try:
            async with self._turn:
                pass
        finally:
            if tasks is not None:
                await tasks.close()

    async def _guarded(self) -> None:
        with guarded(_log, "%s failed", self._name):
            await self._in_turn()

    async def _in_turn(self, *, scheduled: Tasks | None = None) -> None:
        async with self._turn:
            if scheduled is not self._tasks and scheduled is not None:
                return  # It was stopped while it waited for its turn.
            token = _calling.set(self)
            try:
                await answered_within(POLL_SECONDS, self._name, self._function, self._instance)
            finally:
                _calling.reset(token)


class method:
    """Make a method a `Poller`: ``self.NAME()`` calls it now, ``self.NAME.start(interval=60)`` and
    ``self.NAME.stop()`` begin and end regular calls.

    Args:
        fn (Callable[[Any], Any]): The method.
    """

    def __init__(self, fn: Callable[[Any], Any]) -> None:
        self._function = fn
        self._key = f"_poller of {fn.__name__}"

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return self
        poller = vars(instance).get(self._key)
        if poller is None:
            poller = vars(instance)[self._key] = Poller(self._function, instance)
        return poller
