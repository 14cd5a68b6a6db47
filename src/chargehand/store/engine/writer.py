"""The writer: performs short use cases in the loop, others in a thread."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import Protocol

from chargehand.store.engine.batches import Batches
from chargehand.store.engine.jobs import Job


class JobQueue(Protocol):
    """A queue of use cases, performed in order."""

    def put(self, jobs: Sequence[Job]) -> None:
        """Queue *jobs*, which are performed even if no caller waits for them."""

    def close(self) -> None:
        """Perform queued jobs, then disconnect; blocks the calling thread."""


Settle = Callable[[list[Job]], None]
"""Called in the loop with the jobs of a performed batch."""

MakeWriter = Callable[[Batches, Settle], JobQueue]
"""Creates the queue of a newly opened database; called in the loop."""


_BETWEEN_CHECKPOINTS = 1000
"""Jobs to perform in the loop before the thread gets some: with the commit after them, SQLite may
copy its write-ahead log back."""
_AT_CHECKPOINT = 2
"""Groups for the thread then: the second one starts the log again, and waits for the disk, too."""
_LONG = 0.1
"""Seconds after which a transaction has kept the loop waiting for too long."""
_LEAVE_ALONE = 10.0
"""Seconds during which the thread does everything after two such in succession."""


class Writer:
    """The queue of a running master.

    To SQLite, short jobs are written in the loop: handing them to a thread and back takes longer
    than writing them. The thread performs what is not short, what waits for a lock of another
    program, what failed, and everything while the disk is slow. The order is kept: the loop
    performs nothing while the thread has something to do.
    """

    def __init__(self, batches: Batches, settle: Settle) -> None:
        self._batches = batches
        self._settle = settle
        self._here: list[Job] = []
        """Jobs to perform in the loop, now."""
        self._is_busy = False
        """Whether it reports results; what is put meanwhile comes next, not in between."""
        self._there = 0
        """The number of groups that the thread has to perform."""
        self._until_checkpoint = _BETWEEN_CHECKPOINTS
        self._was_long = False
        self._not_here_before = 0.0
        self._lock = threading.Lock()
        """Held by the one who uses the batches."""
        self._groups: SimpleQueue[Sequence[Job] | None] = SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    def put(self, jobs: Sequence[Job]) -> None:
        """Queue *jobs*, which are performed even if no caller waits for them."""
        if self._is_for_loop(jobs):
            self._here.extend(jobs)
            if not self._is_busy:
                self._work([])
        else:
            waiting, self._here = self._here, []
            self._hand_over([*waiting, *jobs])

    def close(self) -> None:
        """Perform queued jobs, then end the thread; blocks until it has ended."""
        self._groups.put(None)
        self._thread.join()

    def _is_for_loop(self, jobs: Sequence[Job]) -> bool:
        if self._there or self._until_checkpoint <= 0:
            return False
        for job in jobs:
            if not job.is_short:
                return False
        return self._loop.time() >= self._not_here_before

    def _hand_over(self, jobs: Sequence[Job]) -> None:
        self._there += 1
        if self._until_checkpoint <= 0:
            self._until_checkpoint -= 1
            if self._until_checkpoint <= -_AT_CHECKPOINT:
                self._until_checkpoint = _BETWEEN_CHECKPOINTS
        self._groups.put(jobs)

    def _performed_there(self, batch: list[Job], groups: int) -> None:
        self._there -= groups
        self._work(batch)

    def _work(self, performed: list[Job]) -> None:
        """Report on *performed* jobs, then perform those for the loop that came meanwhile."""
        self._is_busy = True
        try:
            while performed or self._here:
                if performed:
                    self._settle(performed)
                performed = self._performed_here()
        finally:
            self._is_busy = False

    def _performed_here(self) -> list[Job]:
        batch, self._here = self._here, []
        if not batch:
            return batch
        began = time.monotonic()
        with self._lock:
            is_performed = self._batches.try_now(batch)
        is_long = time.monotonic() - began > _LONG
        if is_long and self._was_long:  # One may have waited for a processor.
            self._not_here_before = self._loop.time() + _LEAVE_ALONE
        self._was_long = is_long
        if not is_performed:
            self._hand_over(batch)
            return []
        self._until_checkpoint -= len(batch)
        return batch

    def _run(self) -> None:
        is_last = False
        while not is_last:
            batch, groups, is_last = self._next_batch()
            if batch:
                with self._lock:
                    self._batches.perform(batch)
            if groups:
                self._loop.call_soon_threadsafe(self._performed_there, batch, groups)
        with self._lock:
            self._batches.disconnect()

    def _next_batch(self) -> tuple[list[Job], int, bool]:
        """Return the next batch, the number of its groups, and whether it is the last."""
        group = self._groups.get()
        batch: list[Job] = []
        groups = 0
        while group is not None:
            batch.extend(group)
            groups += 1
            if len(batch) >= Batches.LARGEST:
                return batch, groups, False
            try:
                group = self._groups.get_nowait()
            except Empty:
                return batch, groups, False
        return batch, groups, True
