"""The logs of steps, as steps write them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from buildbot._border.bridge import outgoing, settled
from buildbot._border.finder import old_names_of
from chargehand.domain.build import Channel, LogType
from chargehand.domain.build import Log as StoredLog
from chargehand.logs.line_ends import with_plain_line_ends
from chargehand.logs.segments import runs_of
from chargehand.logs.writer import Listener, LogWriter


class Log:
    """A log of a running step.

    Methods that write return Deferreds, which fire when more may be written; text that ends within
    a line is kept back until the line is whole. ``subscribe`` gets whole lines.
    """

    kind = LogType.TEXT

    def __init__(self, name: str, writer: LogWriter) -> None:
        self.name = name
        self._writer = writer
        self._ended = asyncio.Event()

    @property
    def logid(self) -> int | None:
        """The log's identifier, once it is opened."""
        return None if self._writer.log is None else self._writer.log.id

    @property
    def type(self) -> str:
        """The letter of its type: ``s``, ``t`` or ``h``."""
        return self.kind.value

    @property
    def finished(self) -> bool:
        """Whether no more will come."""
        return self._writer.is_ended

    def getName(self) -> str:
        """Return its name."""
        return self.name

    def isFinished(self) -> bool:
        """Return whether no more will come."""
        return self.finished

    @outgoing
    async def waitUntilFinished(self) -> None:
        """Return a Deferred that fires when no more will come."""
        await self._ended.wait()

    def subscribe(self, receiver: Listener) -> Callable[[], None]:
        """Call *receiver* with (channel, text), and with (None, None) at the end; return what
        ends that."""
        return self._writer.subscribe(receiver)

    @outgoing
    async def getText(self) -> str:
        """Return a Deferred of all its lines so far, of all channels. Meant for small logs."""
        return with_plain_line_ends((await self._writer.read()).decode("utf-8", "replace"))

    @outgoing
    async def flush(self) -> None:
        """Make durable what was written."""
        await self._writer.flush()

    @outgoing
    async def finish(self) -> None:
        """No more will come."""
        await self.end()

    async def opened(self) -> StoredLog:
        """Return the stored log, once it is there."""
        return await self._writer.opened()

    async def end(self) -> None:
        """Finish the log, unless it is finished."""
        await self._writer.end()
        self._ended.set()

    def _engine_log(self) -> LogWriter:
        """Return what the engine routes output to."""
        return self._writer

    def _write(self, channel: Channel, text: str | bytes) -> Awaitable[None]:
        if self.finished:
            raise ValueError(f"log {self.name!r} is finished: nothing can be added to it")
        self._writer.write(channel, text)
        return self.flush() if self._writer.is_full else settled(None)


class TextLog(Log):
    """A log of plain text."""

    def addContent(self, text: str | bytes) -> Awaitable[None]:
        """Append text."""
        return self._write(Channel.STDOUT, text)


class HTMLLog(TextLog):
    """A log that is an HTML page."""

    kind = LogType.HTML


class StreamLog(Log):
    """A log whose lines belong to stdout, stderr, or are headers."""

    kind = LogType.STDIO

    def addStdout(self, text: str | bytes) -> Awaitable[None]:
        """Append what a program wrote to its standard output."""
        return self._write(Channel.STDOUT, text)

    def addStderr(self, text: str | bytes) -> Awaitable[None]:
        """Append what a program wrote to its standard error."""
        return self._write(Channel.STDERR, text)

    def addHeader(self, text: str | bytes) -> Awaitable[None]:
        """Append a header line about a program."""
        return self._write(Channel.HEADER, text)

    @outgoing
    async def getText(self) -> str:
        """Return a Deferred of its lines of stdout and stderr so far. Meant for small logs."""
        data = await self._writer.read()
        runs = (run for channel, run in runs_of(data) if channel is not Channel.HEADER)
        return with_plain_line_ends(b"".join(runs).decode("utf-8", "replace"))


KINDS: dict[str, type[Log]] = {"s": StreamLog, "t": TextLog, "h": HTMLLog}
"""By the letter that `BuildStep.addLog` is given."""

__getattr__ = old_names_of(__name__)
