"""What builds of a builder are expected to take, learned from earlier ones."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence

import msgspec

from chargehand.domain.json import Json
from chargehand.execution.ports import StateStore
from chargehand.kit.guard import guarded
from chargehand.kit.tasks import Tasks

_log = logging.getLogger(__name__)

_NEWEST = 0.4
"""How much the newest build weighs against all earlier ones."""
_SAVED_EVERY = 300.0
_OBJECT = ("builds", "chargehand.Expectations")


class Expected(msgspec.Struct, frozen=True):
    """What a step took: seconds, and the last values of its metrics."""

    seconds: float
    metrics: dict[str, float] = {}


Steps = Mapping[str, Expected]
"""By the steps' names, in their order."""


def learned(before: Steps, steps: Steps) -> dict[str, Expected]:
    """Return what to expect after a build took *steps*; steps that it did not run are forgotten."""
    return {name: _mean(before.get(name), took) for name, took in steps.items()}


def _mean(before: Expected | None, took: Expected) -> Expected:
    if before is None:
        return took
    metrics = {
        name: _weighed(before.metrics.get(name, value), value)
        for name, value in took.metrics.items()
    }
    return Expected(_weighed(before.seconds, took.seconds), metrics)


def _weighed(before: float, now: float) -> float:
    return before + _NEWEST * (now - before)


def progress_of(expected: Expected, elapsed: float, metrics: Mapping[str, float]) -> float:
    """Return which part of a step is done, from 0 to 1: by its metrics where it has some, else by
    time."""
    parts = [
        min(metrics.get(name, 0.0) / last, 1.0)
        for name, last in expected.metrics.items()
        if last > 0
    ]
    if parts:
        return max(sum(parts) / len(parts), 0.0)
    return min(elapsed / expected.seconds, 1.0) if expected.seconds > 0 else 1.0


class Expectations:
    """The expectations of all builders; they are saved now and then, and when the master stops.

    What a killed master learned since then is learned again.
    """

    def __init__(self, *, state: StateStore | None, tasks: Tasks) -> None:
        self._state = state
        self._tasks = tasks
        self._builders: dict[str, dict[str, Expected]] = {}
        self._loading: set[str] = set()
        self._unsaved: set[str] = set()
        self._saving: asyncio.Task[None] | None = None

    def load(self, builder_name: str) -> None:
        """Read what was saved of a builder, once."""
        if self._state is None or builder_name in self._loading:
            return
        self._loading.add(builder_name)
        self._tasks.spawn(self._read(builder_name), name=f"expectations of {builder_name}")

    def of(self, builder_name: str) -> Steps:
        """Return what is expected of a builder's builds, empty if that is unknown."""
        return self._builders.get(builder_name, {})

    def learn(self, builder_name: str, steps: Steps) -> None:
        """Learn from a build that succeeded."""
        self._builders[builder_name] = learned(self.of(builder_name), steps)
        self._unsaved.add(builder_name)
        if self._state is not None and self._saving is None:
            self._saving = self._tasks.repeat(self.save, every=_SAVED_EVERY, name="expectations")

    async def save(self) -> None:
        """Save what has changed."""
        if self._state is None:
            return
        for name in [*self._unsaved]:
            self._unsaved.discard(name)  # A build may end while it is saved.
            steps = self._builders[name].items()
            rows: list[Json] = [[step, took.seconds, took.metrics] for step, took in steps]
            try:
                await self._state.set(*_OBJECT, name, rows)
            except BaseException:
                self._unsaved.add(name)
                raise

    async def _read(self, builder_name: str) -> None:
        assert self._state is not None
        with guarded(_log, "cannot read what builds of %s take", builder_name):
            stored = await self._state.get(*_OBJECT, builder_name, [])
            rows: Sequence[tuple[str, float, dict[str, float]]] = msgspec.convert(
                stored, list[tuple[str, float, dict[str, float]]]
            )
            steps = {name: Expected(seconds, metrics) for name, seconds, metrics in rows}
            self._builders.setdefault(builder_name, steps)
