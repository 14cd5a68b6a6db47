"""The logs of a running step, which end even if its code does not end them."""

from __future__ import annotations

import asyncio
from functools import partial

from chargehand.config.model import LogConfig
from chargehand.domain.build import Channel, Log, LogType, Segment, Step
from chargehand.execution.ports import LogStore
from chargehand.execution.rules import slug_of
from chargehand.kit.redaction import Redaction
from chargehand.logs.limits import LimitedLog
from chargehand.logs.writer import Encoding, LogFailed, LogWriter


class StepLogs:
    """Opens a step's logs; the ``first`` one was opened together with the step."""

    def __init__(
        self,
        *,
        step: Step,
        store: LogStore,
        config: LogConfig,
        redaction: Redaction,
        first: Log | None = None,
    ) -> None:
        self._step = step
        self._store = store
        self._config = config
        self._redaction = redaction
        self._first = first
        self._writers: list[LogWriter] = []

    def open(
        self,
        name: str,
        kind: LogType,
        *,
        encoding: Encoding | None = None,
    ) -> LogWriter:
        """Return a log immediately, and open it in the background."""
        config, limit = self._config, None
        if config.max_size is not None:
            limit = LimitedLog(kind, config.max_size, config.max_tail_size)
        writer = LogWriter(
            kind=kind,
            sink=self._sink(name, kind),
            limit=limit,
            encoding=encoding or config.encoding,
            redaction=self._redaction,
        )
        self._writers.append(writer)
        return writer

    def _sink(self, name: str, kind: LogType) -> StoredLog:
        first = self._first
        if first is not None and (first.name, first.type) == (name, kind):
            self._first = None
            return StoredLog(store=self._store, log=first)
        step = self._step
        opening = self._store.open(step.id, name, slug_of(name), kind, build_id=step.build_id)
        return StoredLog(store=self._store, opening=asyncio.ensure_future(opening))

    async def add_complete(self, name: str, kind: LogType, text: str) -> None:
        """Add a complete log with this text."""
        writer = self.open(name, kind)
        if text:
            writer.write(Channel.STDOUT, text)
        await writer.end()

    async def end(self) -> None:
        """End the logs that the step left open. Raises the first LogFailed."""
        failure: LogFailed | None = None
        if self._first is not None:
            await self._store.finish(self._first.id)
            self._first = None
        for writer in self._writers:
            try:
                await writer.end()
            except LogFailed as error:
                failure = failure or error
        if failure is not None:
            raise failure


class StoredLog:
    """Stores the segments of one log: a `chargehand.logs.writer.Sink`.

    Segments appended before the log is opened wait for it.
    """

    def __init__(
        self,
        *,
        store: LogStore,
        log: Log | None = None,
        opening: asyncio.Task[Log] | None = None,
    ) -> None:
        self.log = log
        self._store = store
        self._opening = opening
        self._held: list[tuple[Segment, asyncio.Future[None]]] = []
        if opening is not None:
            opening.add_done_callback(self._opened)

    async def opened(self) -> Log:
        """Return the log after it is opened."""
        if self.log is not None:
            return self.log
        assert self._opening is not None
        log = await asyncio.shield(self._opening)
        self._opened(self._opening)  # It may be done before its callback has run.
        return log

    def append(self, segment: Segment) -> asyncio.Future[None]:
        """Append a segment; the future is done when it is durable. Raises LogFailed."""
        if self.log is not None:
            return self._store.append(self.log.id, segment)
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._held.append((segment, future))
        return future

    async def flush(self) -> None:
        """Wait until all appended segments are durable or have failed."""
        await self._store.flush((await self.opened()).id)

    async def read(self) -> bytes:
        """Return all lines so far, with channel letters."""
        return await self._store.read_lines((await self.opened()).id, 0, None)

    async def finish(self) -> None:
        """Finish the log."""
        await self._store.finish((await self.opened()).id)

    def _opened(self, opening: asyncio.Task[Log]) -> None:
        held, self._held = self._held, []
        if opening.cancelled() or opening.exception() is not None:
            for _, future in held:
                future.cancel()
            return
        self.log = opening.result()
        for segment, future in held:
            try:
                appended = self._store.append(self.log.id, segment)
            except LogFailed:
                future.cancel()  # Reported at the end of the log.
            else:
                appended.add_done_callback(partial(_settle, future))


def _settle(future: asyncio.Future[None], _appended: object) -> None:
    if not future.done():
        future.set_result(None)
