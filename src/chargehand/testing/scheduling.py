"""Scheduling over stores in memory, whose time goes on when a test says so."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

from chargehand.config.model import Component
from chargehand.domain.change import Change, NewChange
from chargehand.domain.identifiers import MasterId
from chargehand.events.bus import Bus
from chargehand.scheduling.service import Scheduling
from chargehand.testing.intake import MemoryStateStore
from chargehand.testing.scheduling_stores import (
    LoopClock,
    MemoryBuilders,
    MemoryBuildsets,
    MemoryChanges,
    MemorySchedulers,
)
from chargehand.testing.world.virtual_time import VirtualTimeLoop

T = TypeVar("T")


class SchedulingInMemory:
    """Runs schedulers in a loop of its own; it runs while a method of this is called."""

    def __init__(self, builder_names: Sequence[str], *, begins: float = 0.0) -> None:
        self.loop = VirtualTimeLoop()
        bus = Bus()
        state = MemoryStateStore()
        self.changes = MemoryChanges(bus)
        self.buildsets = MemoryBuildsets(bus, self.changes, state)
        self._clock = LoopClock(begins)
        self._service = self.run(self._made(bus, state, builder_names))

    async def _made(
        self, bus: Bus, state: MemoryStateStore, builder_names: Sequence[str]
    ) -> Scheduling:
        return Scheduling(
            buildsets=self.buildsets,
            schedulers=MemorySchedulers(bus, self.buildsets),
            changes=self.changes,
            state=state,
            builders=MemoryBuilders(builder_names),
            bus=bus,
            clock=self._clock,
            master_id=MasterId(1),
        )

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do *work*, and everything that follows from it at the same moment."""
        try:
            return self.loop.run_until_complete(work)
        finally:
            self.loop.run_until_complete(self.loop.at_rest())

    def start(self, components: Sequence[Component]) -> None:
        """Start the schedulers."""
        self.run(self._service.start(components))

    def stop(self) -> None:
        """Stop them."""
        self.run(self._service.stop())

    def add(self, change: NewChange) -> Change:
        """Let a change arrive."""

        async def arrive() -> Change:
            return self.changes.add(change)

        return self.run(arrive())

    def advance(self, seconds: float) -> None:
        """Let time go on."""
        self.run(asyncio.sleep(seconds))

    def close(self) -> None:
        """Give up what the loop needs."""
        self.loop.close()
