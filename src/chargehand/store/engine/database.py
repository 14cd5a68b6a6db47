"""The database: one thread writes, a few others read."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from enum import Enum
from operator import methodcaller
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from chargehand.events.messages import Event
from chargehand.kit.clock import Clock, SystemClock
from chargehand.kit.guard import guarded
from chargehand.resources.query import Basis
from chargehand.store.engine import schema
from chargehand.store.engine.allowance import LimitedConnection
from chargehand.store.engine.batches import Batches
from chargehand.store.engine.engines import is_in_memory, reading_engine, resolved, writing_engine
from chargehand.store.engine.generations import Generations
from chargehand.store.engine.jobs import AwaitedJob, Job, UseCase
from chargehand.store.engine.recorder import Recorder
from chargehand.store.engine.writer import JobQueue, MakeWriter, Writer
from chargehand.store.errors import Outage, StoreError, is_worth_retrying, translated

T = TypeVar("T")

_log = logging.getLogger(__name__)

_APPLY: Callable[[Job], object] = methodcaller("apply")

_PAUSE = 1.0
"""Seconds between attempts to read during an outage."""


VISITOR_SECONDS = 15.0


class Lane(Enum):
    """The kinds of readers, each with its own threads, so that visitors do not delay the engine."""

    ENGINE = 3
    """The stages; the values are the numbers of threads, all different."""
    WEB = 2
    """Visitors."""
    BULK = 1
    """Visitors with large queries."""
    HERE = 0
    """Users' functions that cannot wait: the query runs in the calling thread."""


class Database:
    """Stores everything except the text of logs.

    *url* is a ``db_url`` of the configuration. *publish* gets the events of committed transactions,
    in the loop, in commit order. *is_shared* means that other masters write to it, too.
    *make_writer* creates the writer's queue, by default with a thread.
    A question of a visitor may take *visitor_seconds*.
    """

    def __init__(
        self,
        *,
        url: str,
        basedir: Path,
        publish: Callable[[list[Event]], None],
        clock: Clock | None = None,
        is_shared: bool = False,
        make_writer: MakeWriter = Writer,
        visitor_seconds: float = VISITOR_SECONDS,
    ) -> None:
        self._visitor_seconds = visitor_seconds
        self.publish = publish
        self._guard = guarded(_log, "cannot process committed jobs")
        self._basedir = basedir
        self._url = resolved(url, basedir)
        self._clock = clock or SystemClock()
        self._generations = Generations(is_shared=is_shared)
        self._local = threading.local()
        self._connections: list[Connection] = []
        self._make_writer = make_writer
        self._writer: JobQueue | None = None
        self._recorder: Recorder | None = None
        self._readers: dict[Lane, ThreadPoolExecutor] = {}
        self._reading: Engine | None = None
        self._writing: Engine | None = None

    @property
    def dialect_name(self) -> str:
        """``sqlite``, ``postgresql``, ``mysql`` …"""
        return self._url.get_backend_name()

    async def open(self) -> None:
        """Connect; create the tables in an empty database.

        Raises SchemaTooNew, SchemaTooOld, or another StoreError that says what is wrong.
        """
        await asyncio.to_thread(self._prepare)
        assert self._writing is not None
        batches = Batches(
            self._writing,
            clock=self._clock,
            committed=self._generations.note,
            owner=f"{socket.gethostname()}:{self._basedir}",
        )
        self._writer = self._make_writer(batches, self._settle)
        is_here = self._url.get_backend_name() == "sqlite"
        self._recorder = Recorder(put=self._writer.put, gathers=not is_here)
        if not is_in_memory(self._url):
            self._reading = reading_engine(self._url)
            self._readers = {
                lane: ThreadPoolExecutor(lane.value, f"store-reader-{lane.name.lower()}")
                for lane in Lane
                if lane is not Lane.HERE
            }

    async def close(self) -> None:
        """Finish queued jobs and disconnect; may be called twice."""
        if self._recorder is not None and self._writer is not None:
            self._recorder.give_up()
            await self._recorder.empty()
        # From now on nothing is queued behind the writer's last job, where it would wait forever.
        writer, self._writer = self._writer, None
        await asyncio.to_thread(self._shut, writer)

    async def upgrade(self) -> None:
        """Create or upgrade the tables. The database must not be open."""
        await asyncio.to_thread(self._with_schema, upgrade=True)

    async def write(self, use_case: UseCase[T], *, is_short: bool = False) -> T:
        """Perform *use_case* on the writing connection and return its result after the commit.

        What *is_short* (a few statements about a few rows) may be performed in the loop.

        For users' calls, which raise an Outage immediately; the engine uses `insist`. Raises the
        use case's errors, and rolls it back; waits for the outcome only if the connection breaks
        during the commit. Cancelling the wait does not undo it.
        """
        if self._writer is None:
            raise StoreError("the database is not open")
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._writer.put([AwaitedJob(use_case, future, is_short=is_short)])
        return await future

    async def insist(
        self, use_case: UseCase[T], *, sequence: int | None = None, is_short: bool = False
    ) -> T:
        """Like `write`, but after all recorded jobs, and waiting out outages.

        What is of a *sequence* is short. Raises the Outage after `give_up`.
        """
        return await self._recording().awaited(use_case, sequence=sequence, is_short=is_short)

    def record(self, use_case: UseCase[object], *, sequence: int | None = None) -> None:
        """Perform *use_case* soon, in the order of the calls, waiting out outages.

        Does not wait for it. A failure is raised by the next `insist` of the same *sequence*, which
        is then skipped.
        """
        self._recording().record(use_case, sequence=sequence)

    def note(self, job: Job) -> None:
        """Perform *job* like recorded ones; it may change until the writer has taken it."""
        self._recording().add(job)

    def hurry(self) -> None:
        """Write recorded jobs without further delay."""
        self._recording().hurry()

    async def recorded(self) -> None:
        """Wait until all recorded jobs are committed."""
        await self._recording().empty()

    def now(self) -> float:
        """Return the time, in seconds since 1970."""
        return self._clock.timestamp()

    def _recording(self) -> Recorder:
        if self._recorder is None:
            raise StoreError("the database is not open")
        return self._recorder

    def give_up(self, *, after: float) -> None:
        """Limit waiting for outages to that many seconds from now on."""
        asyncio.get_running_loop().call_later(after, self._recording().give_up)

    async def read(self, query: Callable[[Connection], T], lane: Lane = Lane.ENGINE) -> T:
        """Return the result of *query*, which sees a consistent snapshot and must not write."""
        if lane is Lane.HERE:
            return self.read_here(query)
        readers = self._readers.get(lane)
        if readers is None:
            return await self.write(lambda transaction: query(transaction.connection))
        return await asyncio.get_running_loop().run_in_executor(
            readers, self._query, query, lane is not Lane.ENGINE
        )

    @property
    def can_read_here(self) -> bool:
        """Whether any thread can read: not so if the database is in memory."""
        return self._reading is not None

    def read_here(self, query: Callable[[Connection], T]) -> T:
        """Like `read`, in the calling thread, which waits. Raises StoreError for a database in
        memory, which only the writer's thread reads."""
        if self._reading is None:
            raise StoreError("a database in memory cannot be read without waiting")
        return self._query(query, False)

    async def read_patiently(self, query: Callable[[Connection], T]) -> T:
        """Like `read`, but waits out outages; raises the Outage after `give_up`."""
        while True:
            try:
                return await self.read(query)
            except Outage:
                if self._recorder is None or self._recorder.has_given_up:
                    raise
            await asyncio.sleep(_PAUSE)

    def generation(self) -> int:
        """Return a number that grows with each transaction. Call before reading something to
        cache."""
        return self._generations.now()

    def outdate(self, table: str) -> None:
        """Say that rows of a table would be others if they were brought up to date now."""
        self._generations.note((table,))

    def is_current(self, basis: Basis) -> bool:
        """Return whether the tables are unchanged since."""
        return self._generations.is_current(basis)

    def _settle(self, jobs: list[Job]) -> None:
        events: list[Event] = []
        for job in jobs:
            if job.error is None:
                if job.has_effect:
                    self._guard.call(_APPLY, job)
                events.extend(job.events)
        self._guard.failure = None
        if events:
            self.publish(events)
        if self._recorder is not None:
            self._recorder.settled(jobs)

    def _query(self, query: Callable[[Connection], T], is_limited: bool) -> T:
        try:
            try:
                return self._query_once(query, is_limited)
            except DBAPIError as error:
                if not is_worth_retrying(error):
                    raise
                self._local.reader = None
                return self._query_once(query, is_limited)
        except SQLAlchemyError as error:
            raise translated(error) from error

    def _query_once(self, query: Callable[[Connection], T], is_limited: bool) -> T:
        reader: LimitedConnection | None = getattr(self._local, "reader", None)
        if reader is None:
            assert self._reading is not None
            connection = self._reading.connect()
            self._connections.append(connection)
            seconds = self._visitor_seconds if is_limited else None
            reader = self._local.reader = LimitedConnection(connection, seconds)
        return reader.run(query)

    def _prepare(self) -> None:
        self._with_schema(upgrade=False)

    def _with_schema(self, *, upgrade: bool) -> None:
        engine = self._writing or writing_engine(self._url)
        try:
            with engine.begin() as connection:
                revision = schema.revision_of(connection)
                if revision is None:
                    schema.create(connection)
                elif upgrade and revision in schema.REVISIONS[:-1]:
                    schema.migrate(connection)
                else:
                    schema.check(revision)
        except SQLAlchemyError as error:
            engine.dispose()
            raise translated(error) from error
        except StoreError:
            engine.dispose()
            raise
        self._writing = engine

    def _shut(self, writer: JobQueue | None) -> None:
        if writer is not None:
            writer.close()
        for readers in self._readers.values():
            readers.shutdown()
        self._readers = {}
        for connection in self._connections:
            connection.close()
        self._connections.clear()
        self._local = threading.local()
        for engine in (self._reading, self._writing):
            if engine is not None:
                engine.dispose()
        self._reading = self._writing = None


async def upgrade(url: str, basedir: Path) -> None:
    """Create or upgrade the tables of the database at *url*."""
    database = Database(url=url, basedir=basedir, publish=lambda _events: None)
    try:
        await database.upgrade()
    finally:
        await database.close()
