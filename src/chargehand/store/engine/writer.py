"""The writer: one thread that performs use cases."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import Protocol

from chargehand.store.engine.batches import Batches
from chargehand.store.engine.jobs import Job


class JobQueue(Protocol):
    """Lets use cases be performed, in the order in which they are put."""

    def put(self, jobs: Sequence[Job]) -> None:
        """Queue *jobs*; what is queued is performed, also when nobody waits for it any more."""

    def close(self) -> None:
        """Perform what is queued, disconnect, and return; called in a thread that may block."""


Settle = Callable[[list[Job]], None]
"""Is called in the loop with the jobs of a batch that has been performed."""

MakeWriter = Callable[[Batches, Settle], JobQueue]
"""Makes the queue of a database that has just been opened; called in the loop."""


class Writer:
    """The queue of a running master: batches are performed in a thread of their own."""

    def __init__(self, batches: Batches, settle: Settle) -> None:
        self._batches = batches
        self._settle = settle
        self._groups: SimpleQueue[Sequence[Job] | None] = SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    def put(self, jobs: Sequence[Job]) -> None:
        """Queue *jobs*; what is queued is performed, also when nobody waits for it any more."""
        self._groups.put(jobs)

    def close(self) -> None:
        """Perform what is queued and end the thread; blocks until it has ended."""
        self._groups.put(None)
        self._thread.join()

    def _run(self) -> None:
        is_last = False
        while not is_last:
            batch, is_last = self._next_batch()
            if batch:
                self._batches.perform(batch)
                self._loop.call_soon_threadsafe(self._settle, batch)
        self._batches.disconnect()

    def _next_batch(self) -> tuple[list[Job], bool]:
        group = self._groups.get()
        batch: list[Job] = []
        while group is not None:
            batch.extend(group)
            if len(batch) >= Batches.LARGEST:
                return batch, False
            try:
                group = self._groups.get_nowait()
            except Empty:
                return batch, False
        return batch, True
