"""Logs: short ones in their row, long ones in a file, both readable while they are written."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

from chargehand.domain.build import Log, LogType, NewLog, Segment
from chargehand.domain.command import Origin
from chargehand.domain.identifiers import BuildId, CommandId, LogId, MasterId, StepId
from chargehand.domain.raw_log import RawLog
from chargehand.kit.tasks import Tasks
from chargehand.kit.values import replace
from chargehand.logs.searching import Take
from chargehand.store.engine.database import Database
from chargehand.store.errors import LogWriteFailed, StoreError
from chargehand.store.logs import rows as log_rows
from chargehand.store.logs import text as log_text
from chargehand.store.logs.files import LogFiles, OpenedLog
from chargehand.store.logs.open_log import LogPlaces, OpenLog
from chargehand.store.logs.records import Extent, ReadAt, last_number
from chargehand.store.logs.scanning import LogScanner
from chargehand.store.logs.source import Source, extent_of_content

T = TypeVar("T")
P = ParamSpec("P")

_logger = logging.getLogger(__name__)

_MEASURE_EVERY = 1.0
_EXTENTS = 256
_READERS = 2


class Logs:
    """Stores logs (``execution.LogStore``, ``web.Logs``).

    What `append` has taken survives a kill of the master: it is committed, or in the file. A log
    starts in its row and moves to a file when it outgrows 16 KiB compressed. While a file grows
    its row is brought up to date once a second, before somebody reads it (`bring_up_to_date`), and
    exactly when the log is finished.
    """

    def __init__(self, *, database: Database, files: LogFiles) -> None:
        self._database = database
        self._files = files
        self._open: dict[LogId, OpenLog] = {}
        self._extents: OrderedDict[LogId, Extent] = OrderedDict()
        self._unmeasured: dict[LogId, OpenLog] = {}
        self._measuring: asyncio.Task[None] | None = None
        self._tasks = Tasks("logs")
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="log-writer")
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="log-reader")
        self._scanner = LogScanner()
        self._places = LogPlaces(
            database=database,
            files=files,
            writer=self._writer,
            tasks=self._tasks,
            grown=self._measure_later,
            finished=self._finished,
        )

    async def close(self) -> None:
        """Update the rows and end the threads. Call before closing the database."""
        try:
            for opened in list(self._open.values()):
                await opened.flush()
            await self._tasks.close()
            await self._measure()
        except StoreError as error:
            _logger.warning("cannot record the length of running logs: %s", error)
        for threads in (self._writer, self._readers):
            await asyncio.to_thread(threads.shutdown)
        await self._scanner.close()

    async def open(
        self,
        step_id: StepId,
        name: str,
        slug: str,
        kind: LogType,
        *,
        build_id: BuildId | None = None,
    ) -> Log:
        """Create the log, with a unique slug in its step; announce LogAdded."""
        new = NewLog(name, slug, kind)
        log = await self._database.insist(
            lambda transaction: log_rows.add(transaction, step_id, new), sequence=build_id
        )
        self.begin(log)
        return log

    def begin(self, log: Log) -> None:
        """Be ready to append to a log that was added just now."""
        self._open[log.id] = OpenLog(log, Extent(), b"", self._places)

    def append(self, log_id: LogId, segment: Segment) -> asyncio.Future[None]:
        """Append a segment; the future is done when it is durable. Announces LogAppended.

        Raises (or the future does) LogWriteFailed, LookupError.
        """
        opened = self._open.get(log_id)
        if opened is not None:
            return opened.append(segment)
        return asyncio.ensure_future(self._append_again(log_id, segment))

    async def flush(self, log_id: LogId) -> None:
        """Wait until all that was appended is durable, or has failed."""
        if (opened := self._open.get(log_id)) is not None:
            await opened.flush()

    async def finish(self, log_id: LogId) -> Log:
        """Finish the log; announce LogFinished."""
        return await (await self._opened(log_id)).finish()

    async def _append_again(self, log_id: LogId, segment: Segment) -> None:
        await (await self._opened(log_id)).append(segment)

    async def resume(
        self, origin: Origin, name: str, slug: str, command_id: CommandId
    ) -> tuple[LogId, int] | None:
        """Return the log that takes a command's output, and the last of its updates that is there.

        For output that a worker kept while its master was down: what is there already will come
        again. The log is opened when it was not yet; None when it is finished, or its step is.
        """
        await self._database.recorded()
        step_id = origin.step_id
        logs = await self._database.read_patiently(
            lambda connection: log_rows.of_open_step(connection, step_id, name)
        )
        if logs is None:
            return None
        found = [(await self._last_number(log.id, command_id), log.id, log) for log in logs]
        number, log_id, log = max(found, default=(0, LogId(0), None))
        if log is not None and not log.complete:
            return log_id, number
        if number:
            return None
        return (await self.open(step_id, name, slug, LogType.STDIO)).id, 0

    async def reopen(
        self,
        origin: Origin,
        name: str,
        command_id: CommandId,
        *,
        worker_name: str,
        master_id: MasterId,
    ) -> tuple[LogId, int] | None:
        """Return what `resume` does, for a step that ended when its build was interrupted.

        None unless that build ran on this worker, for this master. `finish` the log again.
        """
        await self._database.recorded()
        logs = await self._database.read_patiently(
            lambda connection: log_rows.of_interrupted_step(
                connection, origin, name, worker_name=worker_name, master_id=master_id
            )
        )
        found = [(await self._last_number(log.id, command_id), log.id) for log in logs]
        number, log_id = max(found, default=(0, None))
        if log_id is None:
            return None
        if log_id not in self._open:
            await self._open_again(log_id)
        return log_id, number

    async def _open_again(self, log_id: LogId) -> None:
        row = await self._database.read(lambda connection: log_rows.stored(connection, log_id))
        extent = await self._extent(row)
        log = replace(row.log, complete=False, line_count=extent.line_count)
        opened = OpenLog(log, extent, row.content, self._places, is_ended=True)
        self._open.setdefault(log_id, opened)

    async def _last_number(self, log_id: LogId, command_id: CommandId) -> int:
        source = await self._source(log_id)

        def look() -> int:
            with self._reading(source) as read_at:
                return last_number(read_at, source.extent.length, command_id)

        return await self._in_reader(look)

    async def read_lines(self, log_id: LogId, first: int, count: int | None) -> bytes:
        """Return lines of all that was appended, as stored, with channel letters."""
        await self.flush(log_id)
        return await self.lines(log_id, first, count)

    async def lines(self, log_id: LogId, first: int, count: int | None) -> bytes:
        """Return these lines, with channel letters where the log is of type ``s``."""
        if log_id in self._open or not self._database.can_read_here:
            source = await self._source(log_id)
            return await self._in_reader(self._lines, source, max(first, 0), count)
        # Row and text in one thread: handing over costs more than reading most rows.
        source, text = await self._in_reader(self._stored_lines, log_id, max(first, 0), count)
        self._remember_source(source)
        return text

    async def lines_in_pieces(
        self, log_id: LogId, first: int, count: int | None
    ) -> AsyncGenerator[bytes, None]:
        """Return the same as `lines`, in pieces of whole lines: never the whole log in memory."""
        source = await self._source(log_id)
        async for piece in self._one_by_one(self._lines_in_pieces(source, max(first, 0), count)):
            yield piece

    def lines_here(self, log_id: LogId, first: int, count: int | None) -> bytes:
        """Like `lines`, in the calling thread, which waits."""
        if (source := self._open_source(log_id)) is not None:
            return self._lines(source, max(first, 0), count)
        return self._stored_lines(log_id, max(first, 0), count)[1]

    async def raw(self, log_id: LogId) -> RawLog:
        """Return the text as the command wrote it, without letters."""
        source = await self._source(log_id)
        return RawLog(size=source.plain_size, chunks=self._one_by_one(self._pieces(source)))

    async def scan(
        self, log_id: LogId, first: int, take: Take, *, with_letters: bool = False
    ) -> AsyncGenerator[int, None]:
        """Give *take* what there is from line *first* on, piece by piece in a thread until it
        wants no more; yields, now and then, how many lines it has taken since."""
        source = await self._source(log_id)
        is_plain = source.has_letters and not with_letters
        pieces = self._line_pieces(source, max(first, 0), is_plain=is_plain)
        async for count in self._scanner.scan(pieces, take):
            yield count

    async def bring_up_to_date(self) -> None:
        """See to it that rows say of how many lines was announced; at once when they do."""
        if self._measuring is not None:
            await asyncio.wait([self._measuring])
        if self._unmeasured:
            self._measuring = self._tasks.spawn(self._measure_or_say(), name="measure logs")
            await asyncio.wait([self._measuring])

    async def delete_texts(self, log_ids: Sequence[LogId]) -> None:
        """Delete the text of finished logs; their rows stay.

        Files go first: if the master is killed in between, the next call for the same logs
        completes the work.
        """
        await asyncio.to_thread(self._files.delete, log_ids)
        await self._database.insist(lambda transaction: log_rows.delete_texts(transaction, log_ids))
        for log_id in log_ids:
            self._extents.pop(log_id, None)

    async def repair(self, master_id: MasterId) -> None:
        """Truncate a partial record left by a killed master, and count the lines."""
        log_ids = await self._database.read(
            lambda connection: log_rows.left_open(connection, master_id)
        )
        measures = []
        for log_id in log_ids:
            extent = await self._in_writer(self._files.repaired, log_id)
            measures.append((log_id, extent.line_count, extent.size))
        if measures:
            await self._database.write(lambda transaction: log_rows.measure(transaction, measures))

    def _finished(self, opened: OpenLog) -> None:
        log_id = opened.log.id
        self._unmeasured.pop(log_id, None)
        self._open.pop(log_id, None)
        if opened.content is None:
            self._remember(log_id, opened.extent)

    def _measure_later(self, opened: OpenLog) -> None:
        if not self._unmeasured:
            self._tasks.spawn(self._measure_soon(), name="update rows")
        self._unmeasured[opened.log.id] = opened
        self._database.outdate("logs")

    async def _measure_soon(self) -> None:
        await asyncio.sleep(_MEASURE_EVERY)
        await self._measure_or_say()

    async def _measure_or_say(self) -> None:
        try:
            await self._measure()
        except StoreError as error:
            _logger.warning("cannot record the length of running logs: %s", error)

    async def _measure(self) -> None:
        measures = [
            (log_id, opened.extent.line_count, opened.extent.size)
            for log_id, opened in self._unmeasured.items()
        ]
        self._unmeasured.clear()
        if measures:
            ended = await self._database.insist(
                lambda transaction: log_rows.measure(transaction, measures)
            )
            for log_id in ended & self._open.keys():
                if not self._open[log_id].is_ended:
                    self._open[log_id].lose()

    async def _opened(self, log_id: LogId) -> OpenLog:
        """Return an open log, also one that was opened before the master was started again."""
        opened = self._open.get(log_id)
        if opened is not None:
            return opened
        row = await self._database.read(lambda connection: log_rows.stored(connection, log_id))
        if row.log.complete:
            raise LogWriteFailed(f"log {log_id} is finished")
        extent = await self._extent(row)
        log = replace(row.log, line_count=extent.line_count)
        return self._open.setdefault(log_id, OpenLog(log, extent, row.content, self._places))

    async def _extent(self, row: log_rows.StoredLog) -> Extent:
        """Return the extent of a log that is to grow; a partial record at its end is cut off."""
        if row.content is not None:
            return extent_of_content(row.content)
        return await self._in_writer(self._files.repaired, row.log.id)

    async def _source(self, log_id: LogId) -> Source:
        if (opened := self._open_source(log_id)) is not None:
            return opened
        row = await self._database.read(lambda connection: log_rows.stored(connection, log_id))
        source = await self._in_reader(self._stored_source, row)
        self._remember_source(source)
        return source

    def _open_source(self, log_id: LogId) -> Source | None:
        if (opened := self._open.get(log_id)) is None:
            return None
        return Source(opened.log, opened.extent.snapshot(), opened.content)

    def _stored_source(self, row: log_rows.StoredLog) -> Source:
        """Return what there is of a log that is not open; blocks."""
        if row.content is not None:
            return Source(row.log, extent_of_content(row.content), row.content)
        extent = self._extents.get(row.log.id) or self._files.extent(row.log.id)
        return Source(row.log, extent, None)

    def _stored_lines(self, log_id: LogId, first: int, count: int | None) -> tuple[Source, bytes]:
        row = self._database.read_here(lambda connection: log_rows.stored(connection, log_id))
        source = self._stored_source(row)
        return source, self._lines(source, first, count)

    def _remember_source(self, source: Source) -> None:
        if source.content is None and source.log.complete:
            self._remember(source.log.id, source.extent)

    def _remember(self, log_id: LogId, extent: Extent) -> None:
        self._extents[log_id] = extent
        self._extents.move_to_end(log_id)
        if len(self._extents) > _EXTENTS:
            self._extents.popitem(last=False)

    def _lines(self, source: Source, first: int, count: int | None) -> bytes:
        return b"".join(self._lines_in_pieces(source, first, count))

    def _lines_in_pieces(self, source: Source, first: int, count: int | None) -> Iterator[bytes]:
        with self._reading(source) as read_at:
            yield from source.lines_in_pieces(read_at, first, count)

    def _pieces(self, source: Source) -> Iterator[bytes]:
        # The file is closed with the generator, wherever the reading was given up.
        with self._reading(source) as read_at:
            yield from log_text.chunks(read_at, source.extent, has_letters=source.has_letters)
        if source.missing:
            yield source.missing[1:] if source.has_letters else source.missing

    def _line_pieces(
        self, source: Source, first: int, *, is_plain: bool
    ) -> Iterator[tuple[int, bytes]]:
        with self._reading(source) as read_at:
            yield from log_text.line_pieces(read_at, source.extent, first, has_letters=is_plain)

    async def _one_by_one(self, pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        # One piece is made while the one before it is on its way.
        following = loop.run_in_executor(self._readers, next, pieces, None)
        while (piece := await following) is not None:
            following = loop.run_in_executor(self._readers, next, pieces, None)
            yield piece

    @contextmanager
    def _reading(self, source: Source) -> Iterator[ReadAt]:
        content = source.content
        if content is not None:
            yield lambda offset, count: content[offset : offset + count]
        elif not source.extent.length:
            yield lambda offset, count: b""
        else:
            with OpenedLog(self._files.path(source.log.id)) as opened:
                yield opened.read_at

    async def _in_writer(self, work: Callable[P, T], *args: P.args, **_none: P.kwargs) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._writer, work, *args)

    async def _in_reader(self, work: Callable[P, T], *args: P.args, **_none: P.kwargs) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._readers, work, *args)
