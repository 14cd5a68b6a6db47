"""Routes a command's output: to its logs unchanged, and as text to listeners."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

import msgspec

from chargehand.domain.command import CommandUpdate, Value
from chargehand.domain.session import Receipt
from chargehand.kit.tasks import Tasks
from chargehand.logs.reading import Collector, ReadableSegment
from chargehand.logs.writer import LogFailed, LogWriter

STDIO = "stdio"
"""The stream of a command's output; others are named after watched files."""

OpenLater = Callable[[], Awaitable[LogWriter | None]]
"""Opens the log of a stream on its first text."""


TakeValue = Callable[[str, object], Receipt | None]
"""Takes a value; returns a future that is done when it is stored, None if it need not be."""


def _ignored(_key: str, _value: object) -> None:
    return None


class Routes(msgspec.Struct, frozen=True, kw_only=True):
    """Where a step sends a command's output. Drops other streams."""

    logs: Mapping[str, LogWriter] = msgspec.field(default_factory=dict)
    """By stream."""
    delayed: Mapping[str, OpenLater] = msgspec.field(default_factory=dict)
    """By stream."""
    collector: Collector | None = None
    """Collects the command's output."""
    values: TakeValue = _ignored
    """Receives other values that the worker sends."""


class Router:
    """Receives one command's updates.

    A segment is in its log before listeners get its text. A listener that raises (or a log that
    fails) gets nothing more; *stop* is called, once.
    """

    def __init__(self, routes: Routes, *, tasks: Tasks, stop: Callable[[], None]) -> None:
        self._routes = routes
        self._tasks = tasks
        self._stop = stop
        self._logs: dict[str, LogWriter | None] = dict(routes.logs)
        self._delayed = dict(routes.delayed)
        self._held: dict[str, list[tuple[ReadableSegment, asyncio.Future[None]]]] = {}
        self._openings: list[asyncio.Task[None]] = []
        self._failure: Exception | None = None

    def receive(self, update: CommandUpdate) -> Receipt | None:
        """Process an update; return a future that is done when it is stored, or None."""
        if isinstance(update, Value):
            return self._routes.values(update.key, update.value)
        stream, segment = update.log, ReadableSegment(update.segment)
        if stream == STDIO and self._routes.collector is not None:
            self._routes.collector.take(segment)
        if stream in self._delayed:
            self._open(stream, self._delayed.pop(stream))
        if (held := self._held.get(stream)) is not None:
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            held.append((segment, future))
            return future
        return self._route(stream, segment)

    async def end(self) -> None:
        """Wait until everything is routed. Raises the first failure."""
        if self._openings:
            await asyncio.wait(self._openings)
        if self._failure is not None:
            raise self._failure

    def _route(self, stream: str, segment: ReadableSegment) -> asyncio.Future[None] | None:
        log = self._logs.get(stream)
        if log is None:
            return None
        receipt = None
        try:
            segment = log.cleaned(segment)
            receipt = log.pass_through(segment)
            if self._failure is None:
                log.tell(segment)
        except LogFailed as error:
            self._logs[stream] = None
            self._fail(error)
        except Exception as error:  # noqa: BLE001 - the guard around extension code
            self._fail(error)
        return receipt

    def _open(self, stream: str, open_log: OpenLater) -> None:
        self._held[stream] = []
        work = self._open_delayed(stream, open_log)
        self._openings.append(self._tasks.spawn(work, name=f"open the log of {stream}"))

    async def _open_delayed(self, stream: str, open_log: OpenLater) -> None:
        try:
            self._logs[stream] = await open_log()
        except Exception as error:  # noqa: BLE001 - the guard around extension code
            self._fail(error)
        finally:
            for segment, future in self._held.pop(stream):
                receipt = self._route(stream, segment)
                if receipt is None:
                    future.set_result(None)
                else:
                    receipt.add_done_callback(partial(_settle, future))

    def _fail(self, error: Exception) -> None:
        if self._failure is None:
            self._failure = error
            self._stop()


def _settle(future: asyncio.Future[None], _receipt: object) -> None:
    if not future.done():
        future.set_result(None)
