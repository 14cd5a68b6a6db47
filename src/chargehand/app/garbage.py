"""Frees what a configuration leaves when it is replaced, without pausing the master.

What is in use is frozen, so that Python's collector never looks at it; what is replaced is searched
for circles by itself.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from chargehand.kit.circles import Scope, free
from chargehand.kit.pauses import enable
from chargehand.kit.tasks import Tasks

_RELEASED_AT_ONCE = 200
_AT_LEAST = 100
"""How many configurations are replaced before the collector looks at everything."""
_LOOK_SECONDS = 10.0
_LOOK_AGAIN_SECONDS = 1.0


class ReplacedConfigurations:
    """Frees what configurations leave when others replace them, without keeping anybody waiting.

    A file that defines functions refers to itself. Such circles are searched for in slices; only
    what cannot be found so (Python's own part of classes, say) is left to the collector. That
    looks at all that is in memory, and stops everything for 0.1 s and more. So it is called
    seldom, and only when *is_quiet*: no build runs and nobody asks for anything.
    """

    def __init__(
        self, *, tasks: Tasks, leftovers: Callable[[], Scope], is_quiet: Callable[[], bool]
    ) -> None:
        self._tasks = tasks
        self._leftovers = leftovers
        self._is_quiet = is_quiet
        self._replaced = 0
        self._is_reading = False
        self._is_left = False
        """Whether something has been read since it began to free."""
        self._freeing: asyncio.Task[None] | None = None
        self._looking: asyncio.Task[None] | None = None

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Disable the collector until what was read, and is not in use then, has been freed."""
        self._is_reading = True
        gc.disable()
        try:
            yield
        finally:
            self._is_reading = False
            self._is_left = True
            if self._freeing is None or self._freeing.done():
                self._freeing = self._tasks.spawn(self._free(), name="free what was read")

    async def replaced(self, builders: list[object]) -> None:
        """Freeze what is in use now, and give up what it has replaced: these builders."""
        gc.freeze()
        await _release(builders)
        self._replaced += 1
        if self._replaced >= _AT_LEAST and self._looking is None:
            self._looking = self._tasks.repeat(
                self._collect_when_quiet, every=_LOOK_SECONDS, name="free replaced configurations"
            )

    async def _free(self) -> None:
        try:
            while self._is_left:
                self._is_left = False
                scope = self._leftovers()
                await free(scope)
                scope.roots[:] = [one for one in scope.roots if isinstance(one, dict)]
                if scope.roots and not self._is_left:  # The thread that read them may just end.
                    await asyncio.sleep(_LOOK_AGAIN_SECONDS)
                    await free(scope)
        finally:
            if not self._is_reading:
                enable()

    async def _collect_when_quiet(self) -> None:
        if not self._is_quiet():
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
