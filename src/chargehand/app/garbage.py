"""Keeps Python's garbage collector from pausing the master while it reads a configuration.

A configuration of thousands of builders is a large graph of permanent objects. Scanning it
repeatedly costs more than everything else, so the collector is disabled meanwhile, and the objects
are frozen afterwards.

Later the collector runs less often than by default: a build creates thousands of objects that live
as long as it does; scanning them after every 700 allocations wastes time.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from chargehand.kit.tasks import Tasks

_NEW_OBJECTS = 10_000
"""The number of new objects that triggers a collection."""
_RELEASED_AT_ONCE = 200
_AT_MOST = 20
"""How many replaced configurations may wait to be freed."""
_LOOK_SECONDS = 1.0


@contextmanager
def without_pauses() -> Iterator[None]:
    """Disable the collector, then freeze the existing objects."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.set_threshold(_NEW_OBJECTS)
        gc.enable()


class ReplacedConfigurations:
    """Frees replaced configurations without keeping anybody waiting.

    A file that defines functions refers to itself, which takes one collection. That looks at all
    that is in memory (imported modules, too), and stops everything for 0.1 s, and 50 ms more per
    1,000 builders. So it waits for a moment when *is_quiet*: no build runs and nobody asks for
    anything. It does not wait forever: so many configurations take memory.
    """

    def __init__(self, *, tasks: Tasks, is_quiet: Callable[[], bool]) -> None:
        self._tasks = tasks
        self._is_quiet = is_quiet
        self._replaced = 0
        self._looking: asyncio.Task[None] | None = None

    async def replaced(self, builders: Sequence[object]) -> None:
        """Free a configuration that another one replaced; these are its builders.

        One that is read again leaves something to free even when nothing has changed.
        """
        await _release(list(builders))
        self._replaced += 1
        if self._looking is None:
            self._looking = self._tasks.repeat(
                self._collect_when_quiet, every=_LOOK_SECONDS, name="free replaced configurations"
            )

    async def _collect_when_quiet(self) -> None:
        if self._replaced < _AT_MOST and not self._is_quiet():
            return
        self._replaced = 0
        gc.unfreeze()
        gc.collect()
        gc.freeze()
        if self._looking is not None:
            self._looking.cancel()
            self._looking = None


async def _release(objects: list[object]) -> None:
    """Give up references in slices: freeing thousands of builders at once takes a while."""
    while objects:
        del objects[-_RELEASED_AT_ONCE:]
        await asyncio.sleep(0)
