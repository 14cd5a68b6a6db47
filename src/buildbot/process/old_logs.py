"""Logs whose text can be read at once, for old-style steps."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from typing import Any

from buildbot.process.log import HTMLLog, Log, StreamLog, TextLog
from chargehand.domain.build import Channel
from chargehand.logs.writer import LogWriter

STDOUT, STDERR, HEADER = 0, 1, 2
"""What Buildbot 0.8 called the channels of a log."""

_NUMBERS = {Channel.STDOUT: STDOUT, Channel.STDERR: STDERR, Channel.HEADER: HEADER}

_MOST = 16 * 1024 * 1024
"""Characters of a log that are kept for `getText`."""


class LogTooLong(Exception):
    """A log is too long to be read as one text."""


class LogText(str):
    """The text of a log: a string that may also be awaited."""

    __slots__ = ()

    def __await__(self) -> Generator[Any, Any, LogText]:
        yield from ()
        return self


class _Remembered(Log):
    """A log that keeps its text, up to a limit."""

    def __init__(self, name: str, writer: LogWriter) -> None:
        super().__init__(name, writer)
        self._runs: list[tuple[Channel, str]] = []
        self._length = 0
        self.subscribe(self._remember)

    def __await__(self) -> Generator[Any, Any, Log]:
        """Return the log: ``yield self.addLog(...)`` and ``await`` work with it as well."""
        yield from ()
        return self

    def _remember(self, channel: Channel | None, text: str | None) -> None:
        if channel is None or text is None or self._length > _MOST:
            return
        self._length += len(text)
        self._runs.append((channel, text))
        if self._length > _MOST:
            self._runs.clear()

    def _text(self, *left_out: Channel) -> LogText:
        if self._length > _MOST:
            raise LogTooLong(
                f'log "{self.name}" is longer than {_MOST:,} characters and cannot be read as one '
                "text; use a LogLineObserver (addLogObserver), which gets it line by line"
            )
        return LogText("".join(text for channel, text in self._runs if channel not in left_out))

    def getText(self) -> Any:
        """Return all its lines so far, without headers."""
        return self._text(Channel.HEADER)

    def getTextWithHeaders(self) -> LogText:
        """Return all its lines so far."""
        return self._text()

    def readlines(self) -> list[str]:
        """Return the lines of stdout so far."""
        return self._text(Channel.HEADER, Channel.STDERR).splitlines(keepends=True)

    def getChunks(
        self, channels: Iterable[int] = (), onlyText: bool = False
    ) -> Iterator[tuple[int, str] | str]:
        """Iterate over (channel, text), of these channels or of all; or over the texts only."""
        wanted = set(channels) or set(_NUMBERS.values())
        for channel, text in tuple(self._runs):
            if _NUMBERS[channel] in wanted:
                yield text if onlyText else (_NUMBERS[channel], text)

    def hasContents(self) -> bool:
        """Return whether there is any text."""
        return self._length > 0


class OldTextLog(_Remembered, TextLog):
    """A log of plain text."""


class OldHTMLLog(_Remembered, HTMLLog):
    """A log that is an HTML page."""


class OldStreamLog(_Remembered, StreamLog):
    """A log whose lines belong to stdout, stderr, or are headers."""


OLD_KINDS: dict[str, type[Log]] = {"s": OldStreamLog, "t": OldTextLog, "h": OldHTMLLog}
"""By the letter that ``addLog`` is given."""
