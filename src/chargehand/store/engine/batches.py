"""Batches of use cases on the writing connection, which share a commit."""

from __future__ import annotations

import logging
import sqlite3
from collections import OrderedDict
from collections.abc import Callable

import msgspec
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from chargehand.kit.clock import Clock
from chargehand.store.engine.jobs import Job
from chargehand.store.engine.marks import CommitMarks
from chargehand.store.engine.transaction import Transaction, WritingConnection
from chargehand.store.errors import CommitUnknown, Outage, is_lost, is_worth_retrying, translated

_log = logging.getLogger(__name__)

_ATTEMPTS = 3
_MOST_FAILED = 1024
"""Maximum number of sequences with unreported failures."""


class _Unanswered(msgspec.Struct, frozen=True):
    """A commit whose answer was lost."""

    jobs: list[Job]
    touched: set[str]


class Batches:
    """Performs use cases on the writing connection; for one thread at a time.

    Use cases that are queued at the same time share a transaction. If one of them raises, all are
    rolled back and repeated one by one, so that it does not affect the others: a use case must have
    no effects outside its transaction. *committed* gets the written tables, in the performing
    thread. *owner* distinguishes this process's commits from others'.

    If the connection breaks during a commit, nothing else is performed until its outcome is known;
    meanwhile the jobs have the error CommitUnknown, and must be queued again.
    """

    LARGEST = 256
    """Maximum number of use cases per transaction."""

    def __init__(
        self,
        engine: Engine,
        *,
        clock: Clock,
        committed: Callable[[set[str]], None],
        owner: str = "",
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._committed = committed
        self._connection: WritingConnection | None = None
        self._marks = None if engine.dialect.name == "sqlite" else CommitMarks(owner=owner)
        self._unanswered: _Unanswered | None = None
        self._failed: OrderedDict[int, BaseException] = OrderedDict()
        """Sequences with a failed job whose caller did not wait."""

    def perform(self, batch: list[Job]) -> None:
        """Perform all jobs; afterwards each has its result or its error."""
        if (outage := self._outage()) is not None:
            for job in batch:
                is_unanswered = isinstance(job.error, CommitUnknown)
                job.error = outage if not is_unanswered else job.error
            return
        for job in batch:
            job.error = None
        to_do = [job for job in batch if not job.is_committed]
        if not to_do or (not self._has_failed(to_do) and self._is_performed(to_do)):
            return
        self._perform_one_by_one(to_do)

    def try_now(self, batch: list[Job]) -> bool:
        """Perform all jobs in one transaction of SQLite, waiting for nobody; return whether it
        succeeded.

        If not, nothing has happened: `perform` is to do it. Always False for servers.
        """
        connection = self._connection
        if connection is None or self._marks is not None or self._has_failed(batch):
            return False
        try:
            connection.wait_for_locks(False)
            connection.touched.clear()
            connection.begin_directly()
            now = self._clock.timestamp()
            for job in batch:
                job.error = None
                job.perform(Transaction(connection, now))
            connection.commit_directly()
        except BaseException as error:
            self._roll_back(connection)
            if not isinstance(error, Exception):
                raise
            # `perform` finds the faulty job, and what is the matter.
            _log.debug("leaving a batch of %d to the writer's thread: %s", len(batch), error)
            return False
        self._committed(connection.touched)
        return True

    def _roll_back(self, connection: WritingConnection) -> None:
        try:
            connection.roll_back_directly()
        except (sqlite3.Error, SQLAlchemyError) as error:
            _log.debug("cannot roll back: %s", error)
            self.disconnect()

    def _perform_one_by_one(self, batch: list[Job]) -> None:
        outage: Outage | None = None
        for job in batch:
            job.events = []
            if outage is not None and job.is_recorded:
                job.error = outage  # No job may overtake the waiting one.
                continue
            self._perform_in_sequence(job)
            if job.is_recorded and isinstance(job.error, Outage):
                outage = job.error

    def _has_failed(self, batch: list[Job]) -> bool:
        return bool(self._failed) and any(job.sequence in self._failed for job in batch)

    def _is_performed(self, batch: list[Job]) -> bool:
        """Perform all jobs in one transaction, and return whether it succeeded."""
        if len(batch) == 1:
            return False
        try:
            self._attempt(batch)
        except CommitUnknown as error:
            if self._outage() is None:
                return all(job.is_committed for job in batch)
            for job in batch:
                job.error = error
            return True
        except Exception:  # noqa: BLE001 - repeating one by one finds the faulty job
            _log.debug("repeating a batch of %d one by one", len(batch))
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
            if len(self._failed) > _MOST_FAILED:
                # It belongs to a build that ended long ago: no caller will wait for it.
                self._failed.popitem(last=False)

    def disconnect(self) -> None:
        """Close the connection; the next use case opens another."""
        if self._connection is not None:
            try:
                self._connection.close()
            except SQLAlchemyError as error:
                _log.debug("cannot close the lost connection: %s", error)
            self._connection = None

    def _perform_alone(self, job: Job) -> None:
        if (outage := self._outage()) is not None:
            job.error = outage
            return
        for attempt in range(1, _ATTEMPTS + 1):
            job.error = None
            try:
                self._attempt([job])
            except CommitUnknown as error:
                is_known = self._outage() is None
                if job.is_committed:
                    return
                if is_known and attempt < _ATTEMPTS:
                    continue
                job.error = error
            except SQLAlchemyError as error:
                if isinstance(error, DBAPIError) and is_lost(error):
                    self.disconnect()
                if attempt < _ATTEMPTS and is_worth_retrying(error):
                    continue
                job.error = translated(error)
                job.error.__cause__ = error
            except Exception as error:  # noqa: BLE001 - the waiting caller gets it
                job.error = error
            return

    def _attempt(self, batch: list[Job]) -> None:
        connection = self._connected()
        if self._marks is None:
            connection.wait_for_locks(True)
        connection.touched.clear()
        now = self._clock.timestamp()
        with connection.begin() as transaction:
            if self._marks is not None:
                self._marks.begin(connection)
            for job in batch:
                job.perform(Transaction(connection, now))
            if self._marks is not None:
                try:
                    transaction.commit()
                except DBAPIError as error:
                    if not is_lost(error):
                        raise
                    self._unanswered = _Unanswered(batch, set(connection.touched))
                    raise CommitUnknown(
                        f"the connection to the database broke during a commit: {error.orig}"
                    ) from error
        self._committed(connection.touched)

    def _outage(self) -> Outage | None:
        """Determine the outcome of the unanswered commit; return the error if this fails.

        Afterwards its jobs have the outcome.
        """
        unanswered = self._unanswered
        if unanswered is None:
            return None
        assert self._marks is not None
        self.disconnect()
        try:
            happened = self._marks.is_left(self._connected())
        except SQLAlchemyError as error:
            self.disconnect()
            failure = translated(error)
            return failure if isinstance(failure, Outage) else CommitUnknown(str(failure))
        self._unanswered = None
        _log.warning(
            "the connection to the database broke during a commit; %s",
            "the commit had succeeded" if happened else "repeating the commit, which had failed",
        )
        if happened:
            for job in unanswered.jobs:
                job.is_committed = True
                job.error = None
            self._committed(unanswered.touched)
        return None

    def _connected(self) -> WritingConnection:
        if self._connection is None:
            connection = WritingConnection(self._engine)
            if self._marks is not None:
                self._marks.prepare(connection)
            self._connection = connection
        return self._connection
