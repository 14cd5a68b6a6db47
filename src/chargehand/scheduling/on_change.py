"""Schedulers that build changes, immediately or after a tree-stable timer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping

import msgspec

from chargehand.domain.change import Change
from chargehand.domain.change_fate import WaitingChanges
from chargehand.domain.identifiers import ChangeId
from chargehand.kit.complaints import Complaints
from chargehand.scheduling.behaviour import Common, Parts
from chargehand.scheduling.change_feed import Filter, Interest, IsImportant
from chargehand.scheduling.rules import TimerKey, timer_key
from chargehand.scheduling.submitting import BuildsetOptions

_log = logging.getLogger(__name__)

_RETRYING = "scheduler %s cannot submit a buildset; retrying"

_RETRY_SECONDS = 30.0
"""Seconds until the next attempt to submit a buildset after a failure."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of a scheduler that builds changes (SingleBranchScheduler, AnyBranchScheduler)."""

    common: Common
    reason: str
    stable_seconds: float | None = None
    """Seconds of the tree-stable timer; None builds each important change immediately."""
    timer_per_branch: bool = False
    """Whether each branch of each repository has its own timer, or all changes share one."""
    wanted: Filter | None = None
    is_important: IsImportant | None = None
    only_important: bool = False


_Key = TimerKey | ChangeId | None
"""The key of a timer: a branch, all changes, or one change that is retried."""


class _Waiting(msgspec.Struct):
    """Changes waiting for the same timer; it starts with the first important one."""

    changes: dict[ChangeId, Change] = msgspec.field(default_factory=dict)
    timer: asyncio.TimerHandle | None = None
    is_retry: bool = False

    def seconds_left(self) -> float | None:
        """Return when its buildset is made; None: no timer runs."""
        if self.timer is None:
            return None
        return max(0.0, self.timer.when() - asyncio.get_running_loop().time())


class OnChange:
    """Builds changes. Changes that wait for a timer are in the store; a restart restarts timers."""

    def __init__(self, settings: Settings, parts: Parts) -> None:
        self._settings = settings
        self._parts = parts
        self._schedulers = parts.services.schedulers
        self._waiting: dict[_Key, _Waiting] = {}
        self._building: set[asyncio.Task[bool]] = set()
        self._complaints = Complaints(_log)

    async def activate(self) -> None:
        """Restore waiting changes, and subscribe to new ones."""
        settings = self._settings
        await self._take_up()
        self._parts.feed.start(
            Interest(
                wanted=settings.wanted,
                is_important=settings.is_important,
                only_important=settings.only_important,
            )
        )

    async def deactivate(self) -> None:
        """Stop the timers, and wait for a submission in progress."""
        for waiting in self._waiting.values():
            if waiting.timer is not None:
                waiting.timer.cancel()
        self._waiting.clear()
        if self._building:
            await asyncio.wait(self._building)

    async def got_change(self, change: Change, important: bool) -> None:
        """Build the change, or let it wait for the timer; unimportant changes wait for others."""
        if self._settings.stable_seconds is None:
            if important and not await self._build(change.id, {change.id: change}):
                # It is retried, also after a restart.
                await self._schedulers.classify(self._parts.id, {change.id: True})
            return
        await self._schedulers.classify(self._parts.id, {change.id: important})
        self._let_wait(change, important)

    def waiting(self) -> list[WaitingChanges]:
        """Return the changes that wait, those of one timer together."""
        now = self._parts.services.clock.timestamp()
        return [
            WaitingChanges(
                scheduler=self._parts.name,
                change_ids=tuple(sorted(waiting.changes)),
                seconds=seconds,
                until=None if seconds is None else now + seconds,
                is_retry=waiting.is_retry,
            )
            for waiting in self._waiting.values()
            for seconds in (waiting.seconds_left(),)
        ]

    def waiting_with(self, change_id: ChangeId) -> WaitingChanges | None:
        """Return what waits together with a change, if it waits."""
        return next((one for one in self.waiting() if change_id in one.change_ids), None)

    def _let_wait(self, change: Change, important: bool) -> None:
        seconds = self._settings.stable_seconds or 0.0
        key = timer_key(change) if self._settings.timer_per_branch else None
        waiting = self._waiting.setdefault(key, _Waiting())
        waiting.changes[change.id] = change
        if important or waiting.timer is not None:
            waiting.is_retry = False
            self._start_timer(key, waiting, seconds)

    def _start_timer(self, key: _Key, waiting: _Waiting, seconds: float) -> None:
        if waiting.timer is not None:
            waiting.timer.cancel()
        loop = asyncio.get_running_loop()
        waiting.timer = loop.call_later(seconds, self._timer_fired, key)

    def _timer_fired(self, key: _Key) -> None:
        waiting = self._waiting.pop(key)
        work = self._build(key, waiting.changes)
        task = self._parts.services.tasks.spawn(work, name=f"buildset of {self._parts.name}")
        self._building.add(task)
        task.add_done_callback(self._building.discard)

    async def _build(self, key: _Key, waiting: Mapping[ChangeId, Change]) -> bool:
        changes = [waiting[number] for number in sorted(waiting)]
        with self._complaints.guarded(_RETRYING, self._parts.name):
            await self._parts.buildsets.for_changes(
                BuildsetOptions(reason=self._settings.reason),
                changes,
                settled=[change.id for change in changes],
            )
            return True
        if self._parts.feed.is_consuming:
            self._wait_on(key, changes)
        return False

    def _wait_on(self, key: _Key, changes: Iterable[Change]) -> None:
        waiting = self._waiting.setdefault(key, _Waiting())
        waiting.changes.update((change.id, change) for change in changes)
        waiting.is_retry = True
        self._start_timer(key, waiting, _RETRY_SECONDS)

    async def _take_up(self) -> None:
        classified = await self._schedulers.classified(self._parts.id)
        if not classified:
            return
        if self._settings.stable_seconds is None:
            await self._build_left_over(classified)
            return
        for change in await self._parts.services.changes.changes(sorted(classified)):
            self._let_wait(change, classified[change.id])

    async def _build_left_over(self, classified: dict[ChangeId, bool]) -> None:
        """Build the waiting changes immediately: the timer was removed from the configuration."""
        important = [number for number, matters in sorted(classified.items()) if matters]
        for change in await self._parts.services.changes.changes(important):
            await self.got_change(change, True)
        await self._schedulers.flush(self._parts.id)
