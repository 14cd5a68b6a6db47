"""What is built at certain times: what Periodic and Nightly have in common."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass

from chargehand.config.model import Hook
from chargehand.domain.change import Change
from chargehand.domain.identifiers import ChangeId, SchedulerId, Timestamp
from chargehand.kit.guard import guarded
from chargehand.scheduling.scheduler import Common, Filter, Interest, Scheduler
from chargehand.scheduling.submitting import Surroundings, Wish

_log = logging.getLogger(__name__)

_LONGEST_SLEEP = 600.0
"""Seconds; the machine's clock may be set meanwhile, so it is asked again now and then."""

_RETRY_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedSettings:
    """Of a scheduler that builds at certain times."""

    common: Common
    reason: str
    only_if_changed: bool = False
    wanted: Filter | None = None
    is_important: Hook | None = None
    only_important: bool = False


class Timed(Scheduler):
    """Builds at certain times; the last one is in the store, so that none is forgotten or repeated.

    A time that passed while the master was down is made up for once, at once.
    """

    def __init__(
        self,
        *,
        name: str,
        scheduler_id: SchedulerId,
        settings: TimedSettings,
        surroundings: Surroundings,
    ) -> None:
        super().__init__(
            name=name,
            scheduler_id=scheduler_id,
            common=settings.common,
            surroundings=surroundings,
        )
        self._timed = settings
        self._clockwork: asyncio.Task[None] | None = None
        self._actuating = asyncio.Lock()
        self._must_build = False
        self._last: Timestamp | None = None
        self._is_last_known = False

    def next_time(self, last: Timestamp | None) -> Timestamp:
        """Return when to build next, after *last* (None: never built yet)."""
        raise NotImplementedError

    def is_forced(self, now: Timestamp) -> bool:
        """Return whether a build is due at *now* though nothing important changed."""
        return False

    async def activate_as_usual(self) -> None:
        """Start the clockwork, and ask for changes where they matter."""
        settings = self._timed
        await self._notice_new_condition()
        if settings.only_if_changed or settings.common.absolute_source_stamps:
            self.start_consuming(
                Interest(
                    wanted=settings.wanted,
                    is_important=settings.is_important,
                    only_important=settings.only_important,
                )
            )
        else:
            await self._given.schedulers.flush(self.id)
        self._clockwork = self._given.tasks.spawn(self._run(), name=f"times of {self.name}")

    async def deactivate_as_usual(self) -> None:
        """Stop the clockwork; a buildset that is being submitted is waited for."""
        if self._clockwork is None:
            return
        async with self._actuating:
            self._clockwork.cancel()
        await asyncio.wait([self._clockwork])
        self._clockwork = None

    async def got_change_as_usual(self, change: Change, important: bool) -> None:
        """Remember it until the time comes."""
        if self._timed.only_if_changed:
            await self._given.schedulers.classify(self.id, {change.id: important})

    async def start_build_as_usual(self) -> None:
        """Build, unless only changes are built and there was no important one."""
        if not self._timed.only_if_changed:
            await self._build_defaults()
            return
        waiting = await self._given.schedulers.classified(self.id)
        forced = self._must_build or self.is_forced(self._given.clock.timestamp())
        if any(waiting.values()) or (waiting and forced):
            await self._build_changes(waiting)
        elif forced:
            await self._build_defaults()
        else:
            _log.info("scheduler %s: nothing important changed; no build is started", self.name)

    async def _build_changes(self, waiting: Mapping[ChangeId, bool]) -> None:
        numbers = sorted(waiting)
        changes = await self.changes(numbers)
        await self.for_changes(Wish(reason=self._timed.reason), changes, settled=numbers)

    async def _build_defaults(self) -> None:
        await self.for_stamps_with_defaults(Wish(reason=self._timed.reason), [])

    async def _notice_new_condition(self) -> None:
        # What changed before onlyIfChanged was set is not known: the first time builds anyway.
        known = await self.remembered("last_only_if_changed")
        self._must_build = self._timed.only_if_changed and not known
        if not self._timed.only_if_changed and known:
            await self.remember("last_only_if_changed", False)

    async def _run(self) -> None:
        while True:
            with guarded(
                _log, "scheduler %s could not build; it tries again", self.name
            ) as attempt:
                await self._tick()
            if attempt.failure is not None:
                await asyncio.sleep(_RETRY_SECONDS)

    async def _tick(self) -> None:
        """Wait for the next time, and build."""
        if not self._is_last_known:
            self._last = await self.remembered("last_build")
            self._is_last_known = True
        due = await self._due(self._last)
        await self._sleep_until(due)
        async with self._actuating:
            self._last = await self._actuate(due)

    async def _sleep_until(self, due: Timestamp) -> None:
        while (left := due - self._given.clock.timestamp()) > 0:  # noqa: ASYNC110 - a clock, no event
            await asyncio.sleep(min(left, _LONGEST_SLEEP))

    async def _due(self, last: Timestamp | None) -> Timestamp:
        if self._overrides.next_time is not None:
            return float(await self._overrides.next_time(last))
        return self.next_time(last)

    async def _actuate(self, due: Timestamp) -> Timestamp:
        now = max(due, self._given.clock.timestamp())
        if self._overrides.start_build is not None:
            await self._overrides.start_build()
        else:
            await self.start_build_as_usual()
        await self.remember("last_build", now)
        if self._must_build:
            self._must_build = False
            await self.remember("last_only_if_changed", True)
        return now
