"""A log being written: first in its row, later in a file."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import Executor, Future

import msgspec

from chargehand.domain.build import Log, Segment
from chargehand.domain.ownership import NoLongerOurs
from chargehand.events.messages import LogAppended, LogFinished
from chargehand.kit.tasks import Tasks
from chargehand.kit.values import replace
from chargehand.store.engine.database import Database
from chargehand.store.engine.jobs import Job
from chargehand.store.engine.transaction import Transaction
from chargehand.store.errors import LogWriteFailed, StoreError
from chargehand.store.logs import rows as log_rows
from chargehand.store.logs.files import LogFiles
from chargehand.store.logs.records import Extent, encoded

_SHORT = 16 * 1024
"""How many bytes of records a row may have."""


class LogPlaces(msgspec.Struct, frozen=True, kw_only=True):
    """Where logs are written, and the callbacks."""

    database: Database
    files: LogFiles
    writer: Executor
    """Has one thread: what is written to files keeps its order."""
    tasks: Tasks
    grown: Callable[[OpenLog], None]
    """Called when a file has grown."""
    finished: Callable[[OpenLog], None]
    """Called when no more will come, and all that came is durable."""


class OpenLog:
    """Appends in the order of the calls; what comes while a write is on its way goes together.

    ``log``, ``extent`` and ``content`` are what is durable, and so what may be read. The row of a
    log that *is_ended* says all the time that it is complete.
    """

    def __init__(
        self,
        log: Log,
        extent: Extent,
        content: bytes | None,
        places: LogPlaces,
        *,
        is_ended: bool = False,
    ) -> None:
        self.is_ended = is_ended
        self.log = log
        self.extent = extent
        self.content = content
        self._places = places
        self._row = _Row(log, extent.size, content)
        """As it will be when all that is on its way is written."""
        self._is_in_row = content is not None
        self._row_write: _RowWrite | None = None
        self._group: _Group | None = None
        """What waits for the file."""
        self._is_writing = False
        self._idle: asyncio.Future[None] | None = None
        """Done when nothing more waits for the file, if somebody waits for that."""
        self._is_finishing = False
        self._is_lost = False

    def append(self, segment: Segment) -> asyncio.Future[None]:
        """Append a segment; the future is done when it is durable. Raises LogWriteFailed."""
        if self._is_finishing:
            raise LogWriteFailed(f"log {self.log.id} is finished")
        if self._is_lost:
            raise _lost(self.log)
        record = encoded(segment)
        if self._is_in_row and self._row.length + len(record) <= _SHORT:
            self._row = self._row.grown(segment, record)
            write = self._next_row_write()
            write.measures.append(_measure(segment, record))
            return write.future
        self._is_in_row = False
        if self._group is None:
            self._group = _Group()
        self._group.records.append(record)
        self._group.measures.append(_measure(segment, record))
        if not self._is_writing:
            self._is_writing = True
            # Not at once: what else comes in this turn of the loop is written with it.
            asyncio.get_running_loop().call_soon(self._write_next)
        return self._group.future

    async def flush(self) -> None:
        """Wait until all that was appended is durable, or has failed."""
        await self._until_idle()
        if self._row_write is not None:
            self._places.database.hurry()
            await asyncio.wait([self._row_write.future])

    def lose(self) -> None:
        """Stop writing to its file, which no row fences: its build was taken over."""
        self._is_lost = True

    async def finish(self) -> Log:
        """Finish the log, without waiting for its row."""
        if self._is_finishing:
            return self._row.log
        self._is_finishing = True
        if self._is_in_row:
            self._row = self._row.ended()
            self._next_row_write()
            return self._row.log
        await self._until_idle()
        self._row = _Row(self.log, self.extent.size, None).ended()
        self._next_row_write()
        return self._row.log

    def _next_row_write(self) -> _RowWrite:
        write = self._row_write
        if write is None or write.is_taken:
            write = self._row_write = _RowWrite(
                self._row, self._apply, self._row_ended, is_ended=self.is_ended
            )
            self._places.database.note(write)
        write.row = self._row
        return write

    def _apply(self, write: _RowWrite) -> None:
        self._grow(write.measures)
        self.log, self.content = write.row.log, write.row.content
        if self.log.complete:
            self._places.finished(self)

    def _row_ended(self, write: _RowWrite) -> None:
        if self._row_write is write:
            self._row_write = None
        if isinstance(write.error, NoLongerOurs):
            self.lose()
            self._places.finished(self)

    async def _until_idle(self) -> None:
        while self._is_writing:
            if self._idle is None:
                self._idle = asyncio.get_running_loop().create_future()
            await asyncio.wait([self._idle])

    def _write_next(self) -> None:
        """Give the next group to the writer's thread: a log may have thousands of them."""
        while (group := self._group) is not None:
            self._group = None
            if self._is_lost:
                _fail(group, _lost(self.log))
            elif self._row.content is not None:
                self._places.tasks.spawn(self._move(group), name="move a log to a file")
                return
            elif (written := self._begun(group)) is not None:
                written.add_done_callback(_handed_over(lambda done: self._written(group, done)))
                return
        self._is_writing = False
        if self._idle is not None:
            self._idle.set_result(None)
            self._idle = None

    def _begun(self, group: _Group) -> Future[None] | None:
        try:
            return self._write_file(self.extent.length, group)
        except RuntimeError as error:  # The thread has ended: the master stops.
            _fail(group, error)
            return None

    def _written(self, group: _Group, written: Future[None]) -> None:
        try:
            written.result()
            self._group_written(group)
        except (StoreError, NoLongerOurs) as error:
            _fail(group, error)
        finally:
            self._group_ended(group)

    def _group_written(self, group: _Group) -> None:
        self._grow(group.measures)
        self.log = replace(self.log, line_count=self.extent.line_count)
        self._places.grown(self)  # First: what is announced is what readers find.
        self._places.database.publish([LogAppended(log=self.log)])
        if not group.future.cancelled():
            group.future.set_result(None)

    def _group_ended(self, group: _Group) -> None:
        if not group.future.done():
            _fail(group, LogWriteFailed(f"cannot append to log {self.log.id}; the log ends here"))
        self._write_next()

    async def _move(self, group: _Group) -> None:
        try:
            await self._move_to_file(group)
            self._group_written(group)
        except (StoreError, NoLongerOurs) as error:
            _fail(group, error)
        finally:
            self._group_ended(group)

    async def _move_to_file(self, group: _Group) -> None:
        """Move what is in the row to a file, together with what comes next."""
        row = self._row
        group.records.insert(0, row.content or b"")
        await asyncio.wrap_future(self._write_file(0, group))
        lines = sum(line_count for line_count, _, _ in group.measures)
        moved = replace(row.log, line_count=row.log.line_count + lines)
        size = row.size + sum(size for _, size, _ in group.measures)
        await self._places.database.insist(
            lambda transaction: log_rows.set_content(
                transaction, moved, size, None, is_ended=self.is_ended
            ),
            is_short=True,
        )
        # Row writes that were on their way have been performed before.
        self.content = None
        self._row = _Row(moved, size, None)

    def _write_file(self, offset: int, group: _Group) -> Future[None]:
        write, data = self._places.files.write, b"".join(group.records)
        return self._places.writer.submit(write, self.log.id, offset, data)

    def _grow(self, measures: list[tuple[int, int, int]]) -> None:
        for line_count, size, length in measures:
            self.extent.grow(line_count, size, length)


class _Row:
    """The pending values of a log's row; ``content`` is None if the text is in a file."""

    __slots__ = ("content", "log", "size")

    def __init__(self, log: Log, size: int, content: bytes | None) -> None:
        self.log = log
        self.size = size
        self.content = content

    @property
    def length(self) -> int:
        """How many bytes of records there are."""
        return len(self.content or b"")

    def grown(self, segment: Segment, record: bytes) -> _Row:
        """Return the row with one more record."""
        log = replace(self.log, line_count=self.log.line_count + segment.line_count)
        return _Row(log, self.size + segment.size, (self.content or b"") + record)

    def ended(self) -> _Row:
        """Return the row of a log that is complete."""
        return _Row(replace(self.log, complete=True), self.size, self.content)


class _Group:
    """Records that are written to a file at once."""

    __slots__ = ("future", "measures", "records")

    def __init__(self) -> None:
        self.records: list[bytes] = []
        self.measures: list[tuple[int, int, int]] = []
        self.future: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class _RowWrite(Job):
    """Writes a log's row, whose values may change until the writer has taken it."""

    __slots__ = ("_applied", "_ended", "_is_ended", "future", "measures", "row")

    has_effect = True

    def __init__(
        self,
        row: _Row,
        applied: Callable[[_RowWrite], None],
        ended: Callable[[_RowWrite], None],
        *,
        is_ended: bool,
    ) -> None:
        super().__init__(is_short=True)
        self._is_ended = is_ended
        self.row = row
        self.measures: list[tuple[int, int, int]] = []
        self.future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._applied = applied
        self._ended = ended

    def perform(self, transaction: Transaction) -> None:
        """Write the row, and announce what is new in it."""
        row = self.row
        if row.content is not None:
            log_rows.set_content(
                transaction, row.log, row.size, row.content, is_ended=self._is_ended
            )
        else:
            log_rows.finish(transaction, row.log, row.size, is_ended=self._is_ended)
        if self.measures:
            transaction.announce(LogAppended(log=replace(row.log, complete=False)))
        if row.log.complete:
            transaction.announce(LogFinished(log=row.log))
        self.events = transaction.events

    def apply(self) -> None:
        """Publish the durable state, before any notification."""
        self._applied(self)

    def settle(self) -> None:
        """Report to waiting callers."""
        self._ended(self)
        if self.future.cancelled():
            return
        if self.error is None:
            self.future.set_result(None)
        else:
            _fail(self, self.error)


def _handed_over(receive: Callable[[Future[None]], None]) -> Callable[[Future[None]], None]:
    """Return what a thread calls so that the loop calls *receive*, unless it has been closed."""
    loop = asyncio.get_running_loop()

    def hand_over(done: Future[None]) -> None:
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(receive, done)

    return hand_over


def _lost(log: Log) -> LogWriteFailed:
    return LogWriteFailed(f"the build of log {log.id} was taken over; the log ends here")


def _measure(segment: Segment, record: bytes) -> tuple[int, int, int]:
    return segment.line_count, segment.size, len(record)


def _fail(failed: _Group | _RowWrite, error: BaseException) -> None:
    if not isinstance(error, LogWriteFailed):
        error = LogWriteFailed(f"cannot append to the log: {error}; the log ends here")
    if failed.future.cancelled():
        return
    failed.future.set_exception(error)
    failed.future.exception()  # Not every caller checks the result.
