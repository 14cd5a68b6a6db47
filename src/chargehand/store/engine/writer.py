"""The writer: a thread that performs use cases."""

from __future__ import annotations

import asyncio
import threading
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


class Writer:
    """The queue of a running master, with its own thread."""

    def __init__(self, batches: Batches, settle: Settle) -> None:
        self._batches = batches
        self._settle = settle
        self._groups: SimpleQueue[Sequence[Job] | None] = SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    def put(self, jobs: Sequence[Job]) -> None:
        """Queue *jobs*, which are performed even if no caller waits for them."""
        self._groups.put(jobs)

    def close(self) -> None:
        """Perform queued jobs, then end the thread; blocks until it has ended."""
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
