"""The logs of steps, as steps write them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from buildbot._border.bridge import settled
from buildbot._border.text import bytes2unicode
from buildbot.process.outgoing import outgoing
from buildbot.process.properties import Properties
from chargehand.domain.build import Channel, LogType, Segment
from chargehand.domain.build import Log as StoredLog
from chargehand.execution.ports import StepRuntime
from chargehand.kit.tasks import Tasks
from chargehand.logs.segments import lines_of, runs_of, segment_of
from chargehand.logs.writer import LogWriter

Receiver = Callable[[Channel | None, str | None], Any]


class Log:
    """A log of a running step.

    Methods that write return Deferreds, which fire when more may be written; text that ends within
    a line is kept back until the line is whole. ``subscribe`` hears of whole lines.
    """

    _kind = LogType.TEXT

    def __init__(
        self,
        name: str,
        *,
        runtime: StepRuntime,
        tasks: Tasks,
        encoding: str | Callable[[bytes], str] = "utf-8",
        properties: Properties | None = None,
    ) -> None:
        self.name = name
        self.logid: int | None = None
        self.finished = False
        self._runtime = runtime
        self._encoding = encoding
        self._properties = properties
        self._writer = LogWriter(kind=self._kind, append=self._append, tasks=tasks)
        self._receivers: list[Receiver] = []
        self._ended = asyncio.Event()
        # Opened while the step goes on: nothing waits for it before there is text to append.
        self._opening = asyncio.ensure_future(runtime.open_log(name, self._kind))

    @property
    def type(self) -> str:
        """The letter of its type: ``s``, ``t`` or ``h``."""
        return self._kind.value

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

    def subscribe(self, receiver: Receiver) -> Callable[[], None]:
        """Call *receiver* with (channel, text), and with (None, None) at the end; return what
        ends that."""
        self._receivers.append(receiver)
        return lambda: self._receivers.remove(receiver)

    @outgoing
    async def getText(self) -> str:
        """Return a Deferred of all its lines so far, of all channels. Meant for small logs."""
        await self._writer.flush()
        data = await self._runtime.read_log(await self.opened())
        return data.decode("utf-8", "replace")

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
        log = await asyncio.shield(self._opening)
        self.logid = log.id
        return log

    async def end(self) -> None:
        """Finish the log, unless it is finished."""
        if self.finished:
            return
        self.finished = True
        for channel, lines in self._writer.rest():
            self._tell(channel, lines)
        await self._writer.close()
        await self._runtime.finish_log(await self.opened())
        for receiver in tuple(self._receivers):
            receiver(None, None)
        self._ended.set()

    async def pass_through(self, segment: Segment, lines: bytes | None = None) -> None:
        """Append what the worker sent; *lines* are its lines where they are known already."""
        if self._has_secrets():
            text = (lines_of(segment) if lines is None else lines).decode("utf-8", "replace")
            lines = self._cleaned(text).encode("utf-8")
            segment = msgspec.structs.replace(segment_of(lines), source=segment.source)
        await self._writer.pass_through(segment)
        if self._receivers:
            for channel, run in self._runs(lines_of(segment) if lines is None else lines):
                self._tell(channel, run.decode("utf-8", "replace"))

    def _runs(self, lines: bytes) -> Any:
        return [(Channel.STDOUT, lines)] if lines else []

    def _write(self, channel: Channel, text: str | bytes) -> Any:
        if self.finished:
            raise ValueError(f"log {self.name!r} is finished: nothing can be added to it")
        lines = self._writer.write(channel, self._decoded(text))
        if lines:
            self._tell(channel, lines)
        return self.flush() if self._writer.is_full else settled(None)

    def _decoded(self, text: str | bytes) -> str:
        if isinstance(text, bytes):
            if callable(self._encoding):
                text = self._encoding(text)
            else:
                text = bytes2unicode(text, self._encoding, "replace") or ""
        elif not isinstance(text, str):
            raise TypeError(f"log text must be str or bytes, not {type(text).__name__}")
        return self._cleaned(text) if self._has_secrets() else text

    def _has_secrets(self) -> bool:
        return self._properties is not None and self._properties.hasUsedSecrets()

    def _cleaned(self, text: str) -> str:
        assert self._properties is not None
        return self._properties.cleanupTextFromSecrets(text)

    def _tell(self, channel: Channel, text: str) -> None:
        for receiver in tuple(self._receivers):
            receiver(channel, text)

    async def _append(self, segment: Segment) -> None:
        await self._runtime.append_log(await self.opened(), segment)


class TextLog(Log):
    """A log of plain text."""

    def addContent(self, text: str | bytes) -> Any:
        """Append text."""
        return self._write(Channel.STDOUT, text)


class HTMLLog(TextLog):
    """A log that is an HTML page."""

    _kind = LogType.HTML


class StreamLog(Log):
    """A log whose lines belong to stdout, stderr, or are headers."""

    _kind = LogType.STDIO

    def addStdout(self, text: str | bytes) -> Any:
        """Append what a program wrote to its standard output."""
        return self._write(Channel.STDOUT, text)

    def addStderr(self, text: str | bytes) -> Any:
        """Append what a program wrote to its standard error."""
        return self._write(Channel.STDERR, text)

    def addHeader(self, text: str | bytes) -> Any:
        """Append what is said about a program."""
        return self._write(Channel.HEADER, text)

    @outgoing
    async def getText(self) -> str:
        """Return a Deferred of its lines of stdout and stderr so far. Meant for small logs."""
        await self._writer.flush()
        data = await self._runtime.read_log(await self.opened())
        runs = (run for channel, run in runs_of(data) if channel is not Channel.HEADER)
        return b"".join(runs).decode("utf-8", "replace")

    def _runs(self, lines: bytes) -> Any:
        return runs_of(lines)


KINDS: dict[str, type[Log]] = {"s": StreamLog, "t": TextLog, "h": HTMLLog}
"""By the letter that `BuildStep.addLog` is given."""
