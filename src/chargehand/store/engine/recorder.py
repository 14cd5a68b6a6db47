"""The recorder: writes jobs in order, in groups, and waits out outages."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from operator import methodcaller
from typing import TypeVar

from chargehand.kit.guard import guarded
from chargehand.store.engine.jobs import AwaitedJob, Job, RecordedJob, UseCase
from chargehand.store.errors import CommitUnknown, Outage

T = TypeVar("T")

_log = logging.getLogger(__name__)

_SETTLE: Callable[[Job], object] = methodcaller("settle")

_SOON = 0.01
"""Seconds to delay a write that no caller waits for, so that it shares a commit."""
_FIRST_PAUSE = 0.25
_LONGEST_PAUSE = 5.0


class Recorder:
    """Passes writes to the writer in groups, one group at a time; each group is one commit.

    Writes without a waiting caller join the next awaited write, or follow after a short delay.
    After a database outage everything is written in order, unless `give_up` was called. If it
    *gathers*, awaited writes of one loop iteration share a commit; that is worth waiting for where
    the commit is expensive.
    """

    def __init__(self, *, put: Callable[[Sequence[Job]], None], gathers: bool = True) -> None:
        self._put = put
        self._guard = guarded(_log, "cannot report the result of a database operation")
        self._gathers = gathers
        self._loop = asyncio.get_running_loop()
        self._waiting: list[Job] = []
        self._away = 0
        """The number of jobs at the writer."""
        self._failed: list[Job] = []
        """Jobs of the current group that failed with an outage."""
        self._is_called = False
        self._timer: asyncio.TimerHandle | None = None
        self._pause = _FIRST_PAUSE
        """The pause before the next attempt."""
        self._is_out = False
        """Whether the last attempt failed with an outage."""
        self._is_pausing = False
        self._has_given_up = False
        self._empty: asyncio.Future[None] | None = None

    def record(self, use_case: UseCase[object], *, sequence: int | None = None) -> None:
        """Write it soon. The next awaited write of the sequence raises a failure."""
        self.add(RecordedJob(use_case, sequence=sequence))

    def add(self, job: Job) -> None:
        """Write it soon; it may change until the writer has taken it."""
        self._waiting.append(job)
        if self._timer is None and not (self._away or self._is_pausing or self._is_called):
            self._timer = self._loop.call_later(_SOON, self._is_soon)

    def awaited(
        self, use_case: UseCase[T], *, sequence: int | None = None, is_short: bool = False
    ) -> asyncio.Future[T]:
        """Write it immediately, after all recorded jobs; return its result."""
        future: asyncio.Future[T] = self._loop.create_future()
        self._waiting.append(
            AwaitedJob(use_case, future, sequence=sequence, is_recorded=True, is_short=is_short)
        )
        if self._gathers:
            self.hurry()
        else:
            self._hand_over()
        return future

    def hurry(self) -> None:
        """Write recorded jobs together with those of this loop iteration."""
        if not (self._away or self._is_pausing or self._is_called):
            self._is_called = True
            self._loop.call_soon(self._hand_over)

    async def empty(self) -> None:
        """Wait until all recorded jobs are committed or have failed."""
        while self._waiting or self._away:
            self.hurry()
            if self._empty is None:
                self._empty = self._loop.create_future()
            await asyncio.shield(self._empty)

    @property
    def has_given_up(self) -> bool:
        """Whether it no longer waits out outages."""
        return self._has_given_up

    def give_up(self) -> None:
        """Stop waiting out outages."""
        self._has_given_up = True
        if self._is_pausing:
            self._resume()

    def settled(self, jobs: Sequence[Job]) -> None:
        """Process jobs that the writer has performed, and report to their callers."""
        returned = 0
        is_owed = False
        for job in jobs:
            returned += job.is_recorded
            if job.error is not None and self._is_to_be_repeated(job):
                # The outcome of a commit must be determined, even without a waiting caller.
                is_owed = job.is_recorded = True
                self._failed.append(job)
            else:
                self._guard.call(_SETTLE, job)
        self._guard.failure = None
        self._away -= returned
        if (returned or is_owed) and not self._away:
            self._group_ended()

    def _is_to_be_repeated(self, job: Job) -> bool:
        if self._has_given_up or not isinstance(job.error, Outage):
            return False
        return job.is_recorded or isinstance(job.error, CommitUnknown)

    def _is_soon(self) -> None:
        # What was handed over since has left the timer alone: another one would be due too often.
        self._timer = None
        self._hand_over()

    def _hand_over(self) -> None:
        self._is_called = False
        if self._away or self._is_pausing:
            return
        if not self._waiting:
            return
        group, self._waiting = self._waiting, []
        self._away = len(group)
        for job in group:
            job.is_taken = True
            if not isinstance(job.error, CommitUnknown):
                job.error = None
        self._put(group)

    def _group_ended(self) -> None:
        if self._failed:
            self._wait_out(self._failed)
            return
        if self._is_out:
            _log.info("the database is available again")
            self._is_out = False
            self._pause = _FIRST_PAUSE
        if self._waiting:
            self._hand_over()
        elif self._empty is not None:
            self._empty.set_result(None)
            self._empty = None

    def _wait_out(self, failed: list[Job]) -> None:
        if not self._is_out:
            self._is_out = True
            _log.error("%s; builds wait until it is available again", failed[0].error)
        for job in failed:
            # Jobs that may be committed must not change.
            job.is_taken = isinstance(job.error, CommitUnknown)
        self._waiting[:0] = failed
        self._failed = []
        if self._is_pausing:
            return
        self._is_pausing = True
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(self._pause, self._resume)
        self._pause = min(self._pause * 2, _LONGEST_PAUSE)

    def _resume(self) -> None:
        self._is_pausing = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._hand_over()
