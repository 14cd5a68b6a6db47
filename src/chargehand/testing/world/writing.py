"""A database that writes in the loop itself, so that a world needs no thread for it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from chargehand.store.engine.batches import Batches
from chargehand.store.engine.jobs import Job
from chargehand.store.engine.writer import Settle
from chargehand.store.errors import StoreError


class WriterInTheLoop:
    """Performs what was put in one turn of the loop together, in the next."""

    def __init__(self, batches: Batches, settle: Settle) -> None:
        self._batches = batches
        self._settle = settle
        self._loop = asyncio.get_running_loop()
        self._jobs: list[Job] = []
        self._is_dead = False

    def put(self, jobs: Sequence[Job]) -> None:
        """Queue *jobs*."""
        if not self._jobs:
            self._loop.call_soon(self._turn)
        self._jobs.extend(jobs)

    def close(self) -> None:
        """Perform what is queued, and disconnect."""
        if jobs := self._performed():
            self._loop.call_soon_threadsafe(self._settle, jobs)
        self._batches.disconnect()

    def die(self) -> None:
        """Stop writing: the master was killed."""
        self._is_dead = True

    def _turn(self) -> None:
        if jobs := self._performed():
            self._settle(jobs)

    def _performed(self) -> list[Job]:
        jobs, self._jobs = self._jobs, []
        if self._is_dead:
            for job in jobs:
                job.error = StoreError("the master was killed")
        elif jobs:
            self._batches.perform(jobs)
        return jobs
