"""Writes a log: turns our text into segments, and passes the worker's segments in order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from chargehand.domain.build import Channel, Log, LogType, Segment
from chargehand.kit.guard import contained
from chargehand.kit.odd_text import bytes_of
from chargehand.kit.redaction import Redaction
from chargehand.kit.values import replace
from chargehand.logs.limits import LimitedLog
from chargehand.logs.line_ends import with_plain_line_ends
from chargehand.logs.reading import ReadableSegment
from chargehand.logs.segments import pieces_of, segment_of, with_letter

_ENOUGH = 64 * 1024
_SOON = 0.1

Encoding = str | Callable[[bytes], str]
"""Decodes bytes written by a step."""

Listener = Callable[[Channel | None, str | None], object]
"""Receives whole lines with their channel; at the end, None and None."""


class LogFailed(Exception):
    """Appending to a log failed; the message says why."""


class Sink(Protocol):
    """Stores a log's segments."""

    @property
    def log(self) -> Log | None:
        """The log, after it is opened."""

    async def opened(self) -> Log:
        """Return the log after it is opened."""

    def append(self, segment: Segment) -> asyncio.Future[None]:
        """Append a segment; the future is done when it is durable. Raises LogFailed."""

    async def flush(self) -> None:
        """Wait until all appended segments are durable or have failed."""

    async def read(self) -> bytes:
        """Return all lines so far, with channel letters."""

    async def finish(self) -> None:
        """Finish the log."""


class LogWriter:
    """Buffers partial lines, and appends whole ones in batches or after a short delay.

    Its encoding, limits and redaction apply to everything that is written through it.
    """

    def __init__(
        self,
        *,
        kind: LogType,
        sink: Sink,
        limit: LimitedLog | None = None,
        encoding: Encoding = "utf-8",
        redaction: Redaction | None = None,
    ) -> None:
        self.kind = kind
        self.is_ended = False
        self._sink = sink
        self._limit = limit
        self._encoding = encoding
        self._redaction = redaction or Redaction()
        self._listeners: list[Listener] = []
        self._partial: dict[Channel, list[str]] = {}
        self._whole: list[bytes] = []
        self._size = 0
        self._timer: asyncio.TimerHandle | None = None
        self._failure: LogFailed | None = None

    @property
    def log(self) -> Log | None:
        """The stored log, after it is opened."""
        return self._sink.log

    @property
    def has_secrets(self) -> bool:
        """Whether text may need redaction."""
        return self._redaction.has_secrets

    @property
    def is_full(self) -> bool:
        """Whether the caller should await `flush` before writing more."""
        return self._size >= _ENOUGH

    async def opened(self) -> Log:
        """Return the log after it is opened."""
        return await self._sink.opened()

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Send lines to *listener* from now on; return a function that unsubscribes it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def write(self, channel: Channel, text: str | bytes) -> None:
        """Append text, and send it to the listeners. Raises LogFailed, and listeners' errors."""
        if self._failure is not None:
            raise self._failure
        if lines := self._whole_lines(channel, self._decoded(text)):
            self._keep(channel, lines)
            self._tell(channel, with_plain_line_ends(lines))

    def pass_through(self, segment: ReadableSegment) -> asyncio.Future[None] | None:
        """Append the worker's segment after everything written before. Raises LogFailed.

        The future is done when it is durable; None if none of it is kept.
        """
        self._append_whole()
        return self._append(segment.segment)

    def cleaned(self, segment: ReadableSegment) -> ReadableSegment:
        """Return the worker's segment without secrets."""
        if not self._redaction.has_secrets:
            return segment
        text = segment.lines.decode("utf-8", "replace")
        if self._redaction.secrets_only(text) == text:
            return segment
        lines = self._without_secrets(text).encode("utf-8", "replace")
        return ReadableSegment(replace(segment_of(lines), source=segment.segment.source), lines)

    def _without_secrets(self, text: str) -> str:
        """Return lettered lines without secrets: a letter is no part of one."""
        hide = self._redaction.secrets_only
        if self.kind is not LogType.STDIO:
            return hide(text)
        return "\n".join(line[:1] + hide(line[1:]) for line in text.split("\n"))

    def tell(self, segment: ReadableSegment) -> None:
        """Send the worker's lines to the listeners. Raises their errors."""
        if self._listeners:
            for channel, text in segment.texts(self.kind):
                self._tell(channel, text)

    async def flush(self) -> None:
        """Make written lines durable; keeps partial lines. Raises LogFailed."""
        self._append_whole()
        await self._sink.flush()
        if self._failure is not None:
            raise self._failure

    async def read(self) -> bytes:
        """Return all whole lines so far, with channel letters."""
        self._append_whole()
        return await self._sink.read()

    async def end(self) -> None:
        """End the log with its partial lines, and notify the listeners. May be called twice.

        Raises LogFailed if something could not be appended.
        """
        if self.is_ended:
            return
        self.is_ended = True
        for channel, pending in self._partial.items():
            if pending:
                lines = self._redaction.secrets_only("".join(pending) + "\n")
                self._keep(channel, lines)
                self._tell(channel, with_plain_line_ends(lines))
        self._partial.clear()
        try:
            self._append_whole()
            if self._limit is not None and (rest := self._limit.rest()) is not None:
                self._sink.append(rest)
        finally:
            await self._sink.finish()
        if self._failure is not None:
            raise self._failure
        self._tell(None, None)

    def _decoded(self, text: str | bytes) -> str:
        if isinstance(text, bytes):
            encoding = self._encoding
            text = encoding(text) if callable(encoding) else text.decode(encoding, "replace")
        elif not isinstance(text, str):
            raise TypeError(f"log text must be str or bytes, not {type(text).__name__}")
        return text

    def _whole_lines(self, channel: Channel, text: str) -> str:
        """Return the lines that *text* completes: only in whole lines secrets are found."""
        pending = self._partial.setdefault(channel, [])
        whole, newline, rest = text.rpartition("\n")
        if not newline:
            if rest:
                pending.append(rest)
            return ""
        lines = "".join([*pending, whole, "\n"])
        self._partial[channel] = [rest] if rest else []
        return self._redaction.secrets_only(lines)

    def _keep(self, channel: Channel, lines: str) -> None:
        data = bytes_of(lines)
        self._whole.append(with_letter(channel, data) if self.kind is LogType.STDIO else data)
        self._size += len(data)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_SOON, self._append_soon)

    def _append_soon(self) -> None:
        try:
            self._append_whole()
        except LogFailed as failure:
            self._failure = failure  # Raised at the next write.

    def _append_whole(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._whole:
            lines = b"".join(self._whole)
            self._whole.clear()
            self._size = 0
            for piece in pieces_of(lines):
                self._append(segment_of(piece))

    def _append(self, segment: Segment) -> asyncio.Future[None] | None:
        if self._failure is not None:
            raise self._failure
        admitted = segment if self._limit is None else self._limit.admit(segment)
        if admitted is None:
            return None
        appended = self._sink.append(admitted)
        appended.add_done_callback(self._appended)
        return appended

    def _appended(self, appended: asyncio.Future[None]) -> None:
        if not appended.cancelled() and isinstance(failure := appended.exception(), LogFailed):
            self._failure = failure  # Raised at the next write.

    def _tell(self, channel: Channel | None, text: str | None) -> None:
        for listener in tuple(self._listeners):
            contained(listener, channel, text)
