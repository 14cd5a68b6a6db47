"""Time-based schedulers: the common part of Periodic and Nightly."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Protocol

import msgspec

from chargehand.domain.change import Change
from chargehand.domain.identifiers import ChangeId, Timestamp
from chargehand.domain.remembered import Remembered
from chargehand.kit.complaints import Complaints
from chargehand.scheduling.behaviour import Common, Parts
from chargehand.scheduling.change_feed import Filter, Interest, IsImportant
from chargehand.scheduling.submitting import BuildsetOptions

_log = logging.getLogger(__name__)

_LONGEST_SLEEP = 600.0
"""Seconds between checks of the clock, which may be changed at any time."""

_RETRY_SECONDS = 60.0

_CLOCK_SHIFT = 2.0
"""Seconds of a clock change that make the scheduler recompute the next time."""


class Actions(Protocol):
    """The actions of a time-based scheduler, which users' classes can override."""

    async def next_time(self, last: Timestamp | None) -> Timestamp:
        """Return when to build next, after *last* (None: not built yet)."""

    async def start_build(self) -> None:
        """Submit a buildset, if there is something to build."""


class TimedSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of a time-based scheduler."""

    common: Common
    reason: str
    only_if_changed: bool = False
    wanted: Filter | None = None
    is_important: IsImportant | None = None
    only_important: bool = False
    actions: Callable[[Actions], Actions] | None = None
    """A user's class that overrides the actions."""

    def next_time(self, last: Timestamp | None, now: Timestamp) -> Timestamp:
        """Return when to build next, after *last* (None: not built yet)."""
        raise NotImplementedError

    def after_shift(self, last: Timestamp | None, seconds: float) -> Timestamp | None:
        """Return the time of the last build, adjusted for a clock change of *seconds*."""
        return last

    def is_forced(self, now: Timestamp) -> bool:
        """Return whether a build is due at *now* even without important changes."""
        raise NotImplementedError


class Timed:
    """Builds at certain times. The last time is in the store, so that none is missed or repeated.

    If times passed while the master was down, one build starts immediately.
    """

    def __init__(self, settings: TimedSettings, parts: Parts) -> None:
        self._settings = settings
        self._parts = parts
        self._name = parts.name
        self._marks: tuple[Remembered, ...] = ()
        self._actions: Actions = self if settings.actions is None else settings.actions(self)
        self._clock = parts.services.clock
        self._clockwork: asyncio.Task[None] | None = None
        self._actuating = asyncio.Lock()
        self._must_build = False
        self._last: Timestamp | None = None
        self._is_last_known = False
        self._told: Timestamp | None = None
        self._complaints = Complaints(_log)

    async def next_time(self, last: Timestamp | None) -> Timestamp:
        """Return when to build next, after *last* (None: not built yet)."""
        return self._settings.next_time(last, self._clock.timestamp())

    async def activate(self) -> None:
        """Start the timer, and subscribe to changes if needed."""
        settings = self._settings
        await self._notice_new_condition()
        if settings.only_if_changed or settings.common.absolute_source_stamps:
            self._parts.feed.start(
                Interest(
                    wanted=settings.wanted,
                    is_important=settings.is_important,
                    only_important=settings.only_important,
                )
            )
        else:
            await self._parts.services.schedulers.flush(self._parts.id)
        self._clockwork = self._parts.services.tasks.spawn(
            self._run(), name=f"times of {self._name}"
        )

    async def deactivate(self) -> None:
        """Stop the timer, and wait for a submission in progress."""
        if self._clockwork is None:
            return
        async with self._actuating:
            self._clockwork.cancel()
        await asyncio.wait([self._clockwork])
        self._clockwork = None

    async def got_change(self, change: Change, important: bool) -> None:
        """Record the change until the next time is due."""
        if self._settings.only_if_changed:
            await self._parts.services.schedulers.classify(self._parts.id, {change.id: important})

    async def start_build(self) -> None:
        """Submit a buildset, unless onlyIfChanged is set and nothing important changed."""
        if not self._settings.only_if_changed:
            await self._build_defaults()
            return
        waiting = await self._parts.services.schedulers.classified(self._parts.id)
        forced = self._must_build or self._settings.is_forced(self._clock.timestamp())
        if any(waiting.values()) or (waiting and forced):
            await self._build_changes(waiting)
        elif forced:
            await self._build_defaults()
        else:
            _log.info("scheduler %s: nothing important changed; no build is started", self._name)

    async def _build_changes(self, waiting: Mapping[ChangeId, bool]) -> None:
        numbers = sorted(waiting)
        changes = await self._parts.services.changes.changes(numbers)
        await self._parts.buildsets.for_changes(self._options(), changes, settled=numbers)

    async def _build_defaults(self) -> None:
        await self._parts.buildsets.for_stamps_with_defaults(self._options(), [])

    def _options(self) -> BuildsetOptions:
        """Return options that record this time in the buildset's transaction."""
        return BuildsetOptions(reason=self._settings.reason, remembered=self._marks)

    async def _notice_new_condition(self) -> None:
        # Changes before onlyIfChanged was set are unknown: the first time always builds.
        known = await self._parts.memory.read("last_only_if_changed", bool)
        self._must_build = self._settings.only_if_changed and not known
        if not self._settings.only_if_changed and known:
            await self._parts.memory.remember("last_only_if_changed", False)

    async def _run(self) -> None:
        while True:
            with self._complaints.guarded(
                "scheduler %s cannot submit a buildset; retrying", self._name
            ) as attempt:
                await self._tick()
            if attempt.failure is not None:
                await asyncio.sleep(_RETRY_SECONDS)

    async def _tick(self) -> None:
        """Wait for the next time, then build."""
        if not self._is_last_known:
            self._last = await self._parts.memory.read("last_build", float)
            self._is_last_known = True
        await self._wait_until_due()
        async with self._actuating:
            self._last = await self._actuate()

    async def _wait_until_due(self) -> None:
        """Wait for the next time, recomputing it when the clock is changed."""
        loop = asyncio.get_running_loop()
        while True:
            now, began = self._clock.timestamp(), loop.time()
            if self._last is not None and self._last > now:
                _log.warning(
                    "scheduler %s: its last build is in the future (the clock was ahead); "
                    "using the current time instead",
                    self._name,
                )
                self._last = now
            due = float(await self._actions.next_time(self._last))
            await self._tell(due)
            shift = 0.0
            while abs(shift) <= _CLOCK_SHIFT:
                if (left := due - self._clock.timestamp()) <= 0:
                    return
                await asyncio.sleep(min(left, _LONGEST_SLEEP))
                shift = self._clock.timestamp() - now - (loop.time() - began)
            self._last = self._settings.after_shift(self._last, shift)

    async def _tell(self, due: Timestamp) -> None:
        """Record when it is due, for people."""
        if due != self._told and due > self._clock.timestamp():
            await self._parts.services.schedulers.due(self._parts.id, due)
            self._told = due

    async def _actuate(self) -> Timestamp:
        now = self._clock.timestamp()
        memory = self._parts.memory
        marks = [memory.entry("last_build", now)]
        if self._must_build:
            marks.append(memory.entry("last_only_if_changed", True))
        self._marks = tuple(marks)
        try:
            await self._actions.start_build()
        finally:
            self._marks = ()
        # Also record it if nothing was built, or a user's class submitted the buildset itself.
        await memory.remember("last_build", now)
        if self._must_build:
            self._must_build = False
            await memory.remember("last_only_if_changed", True)
        return now
