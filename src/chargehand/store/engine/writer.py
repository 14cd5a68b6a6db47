"""The writer: one thread that performs use cases, many of them sharing one commit."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import Protocol

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from chargehand.kit.clock import Clock
from chargehand.store.engine.jobs import Job
from chargehand.store.engine.transaction import Transaction, WritingConnection
from chargehand.store.errors import Outage, is_worth_retrying, translated

_log = logging.getLogger(__name__)

_ATTEMPTS = 3


class Batches:
    """Performs use cases over the writing connection; for one thread at a time.

    Use cases that wait at the same time share a transaction. When one of them raises, all of them
    are rolled back and performed again one by one, so that it harms none of the others: a use case
    must therefore have no effects outside its transaction. *committed* hears which tables were
    touched, in the thread that performs.
    """

    LARGEST = 256
    """How many use cases may share a transaction."""

    def __init__(
        self, engine: Engine, *, clock: Clock, committed: Callable[[set[str]], None]
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._committed = committed
        self._connection: WritingConnection | None = None
        self._failed: dict[int, BaseException] = {}
        """Sequences of which a job failed that nobody waited for."""

    def perform(self, batch: list[Job]) -> None:
        """Perform all of them; each has its result or its error when this returns."""
        if not self._failed and self._is_performed(batch):
            return
        outage: Outage | None = None
        for job in batch:
            job.events = []
            if outage is not None and job.is_recorded:
                job.error = outage  # None of them may overtake the one that has to wait.
                continue
            self._perform_in_sequence(job)
            if job.is_recorded and isinstance(job.error, Outage):
                outage = job.error

    def _is_performed(self, batch: list[Job]) -> bool:
        """Perform all of them in one transaction, and return whether that went well."""
        if len(batch) == 1:
            return False
        try:
            self._attempt(batch)
        except Exception:  # noqa: BLE001 - whoever is at fault hears of it one by one
            _log.debug("a batch of %d is performed one by one", len(batch))
            return False
        return True

    def _perform_in_sequence(self, job: Job) -> None:
        sequence = job.sequence
        if sequence is None:
            self._perform_alone(job)
            return
        job.error = self._failed.get(sequence)
        if job.error is None:
            self._perform_alone(job)
        if job.is_awaited:
            self._failed.pop(sequence, None)
        elif job.error is not None and not isinstance(job.error, Outage):
            self._failed[sequence] = job.error

    def disconnect(self) -> None:
        """Close the connection; the next use case makes another."""
        if self._connection is not None:
            try:
                self._connection.close()
            except SQLAlchemyError as error:
                _log.debug("the lost connection did not close: %s", error)
            self._connection = None

    def _perform_alone(self, job: Job) -> None:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                self._attempt([job])
            except SQLAlchemyError as error:
                if isinstance(error, DBAPIError) and error.connection_invalidated:
                    self.disconnect()
                if attempt < _ATTEMPTS and is_worth_retrying(error):
                    continue
                job.error = translated(error)
                job.error.__cause__ = error
            except Exception as error:  # noqa: BLE001 - it belongs to whoever waits
                job.error = error
            return

    def _attempt(self, batch: list[Job]) -> None:
        connection = self._connected()
        connection.touched.clear()
        now = self._clock.timestamp()
        with connection.begin():
            for job in batch:
                job.perform(Transaction(connection, now))
        self._committed(connection.touched)

    def _connected(self) -> WritingConnection:
        if self._connection is None:
            self._connection = WritingConnection(self._engine)
        return self._connection


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
