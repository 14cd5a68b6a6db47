"""The recorder: what has happened is written in its order, together, and whatever the outage."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import TypeVar

from chargehand.kit.guard import guarded
from chargehand.store.engine.jobs import AwaitedJob, Job, RecordedJob, UseCase
from chargehand.store.errors import CommitUnknown, Outage

T = TypeVar("T")

_log = logging.getLogger(__name__)

_SOON = 0.01
"""Seconds that a write waits for another to go with, when nobody waits for it."""
_FIRST_PAUSE = 0.25
_LONGEST_PAUSE = 5.0


class Recorder:
    """Hands writes over in groups, one group at a time; each group is one commit.

    What nobody waits for goes with the next write that somebody waits for, or soon by itself.
    After an outage of the database everything is written in the order in which it came, unless the
    recorder has been told to give up.
    """

    def __init__(self, *, put: Callable[[Sequence[Job]], None]) -> None:
        self._put = put
        self._loop = asyncio.get_running_loop()
        self._waiting: list[Job] = []
        self._away = 0
        """How many jobs the writer has."""
        self._failed: list[Job] = []
        """Those of the group that is away that met an outage."""
        self._is_called = False
        self._timer: asyncio.TimerHandle | None = None
        self._pause = _FIRST_PAUSE
        """How long to wait before the next attempt."""
        self._is_out = False
        """Whether the last attempt met an outage."""
        self._is_pausing = False
        self._has_given_up = False
        self._empty: asyncio.Future[None] | None = None

    def record(self, use_case: UseCase[object], *, sequence: int | None = None) -> None:
        """Write it soon. A failure is raised to who waits next for a write of the sequence."""
        self.add(RecordedJob(use_case, sequence=sequence))

    def add(self, job: Job) -> None:
        """Write it soon; until the writer has taken it, it may be altered."""
        self._waiting.append(job)
        if self._timer is None and not (self._away or self._is_pausing or self._is_called):
            self._timer = self._loop.call_later(_SOON, self._hand_over)

    def awaited(self, use_case: UseCase[T], *, sequence: int | None = None) -> asyncio.Future[T]:
        """Write it at once, with all that was recorded before; return what it returns."""
        future: asyncio.Future[T] = self._loop.create_future()
        self._waiting.append(AwaitedJob(use_case, future, sequence=sequence, is_recorded=True))
        self.hurry()
        return future

    def hurry(self) -> None:
        """Hand over what was recorded with whatever comes in this turn of the loop."""
        if not (self._away or self._is_pausing or self._is_called):
            self._is_called = True
            self._loop.call_soon(self._hand_over)

    async def empty(self) -> None:
        """Wait until all that was recorded is committed, or has failed."""
        while self._waiting or self._away:
            self.hurry()
            if self._empty is None:
                self._empty = self._loop.create_future()
            await asyncio.shield(self._empty)

    @property
    def has_given_up(self) -> bool:
        """Whether no outage is waited out any more."""
        return self._has_given_up

    def give_up(self) -> None:
        """Wait out no outage from now on."""
        self._has_given_up = True
        if self._is_pausing:
            self._resume()

    def settled(self, jobs: Sequence[Job]) -> None:
        """Hear of jobs that the writer has performed, and tell those who wait for them."""
        returned = 0
        is_owed = False
        for job in jobs:
            returned += job.is_recorded
            if self._is_to_be_repeated(job):
                # Whether a commit happened is to be found out, whoever asked for it.
                is_owed = job.is_recorded = True
                self._failed.append(job)
            else:
                with guarded(_log, "whoever waited for the database could not be told"):
                    job.settle()
        self._away -= returned
        if (returned or is_owed) and not self._away:
            self._group_ended()

    def _is_to_be_repeated(self, job: Job) -> bool:
        if self._has_given_up or not isinstance(job.error, Outage):
            return False
        return job.is_recorded or isinstance(job.error, CommitUnknown)

    def _hand_over(self) -> None:
        self._is_called = False
        if self._away or self._is_pausing:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
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
            _log.info("the database works again")
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
            _log.error("%s; builds wait until it works again", failed[0].error)
        for job in failed:
            # What may be committed must not be altered.
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
        self._hand_over()
