"""Output of commands as text, decompressed lazily and once for all readers."""

from __future__ import annotations

from collections.abc import Iterable

from chargehand.domain.build import Channel, LogType, Segment
from chargehand.logs.line_ends import with_plain_line_ends
from chargehand.logs.segments import lines_of, runs_of


class ReadableSegment:
    """A segment that decompresses its lines on first use."""

    __slots__ = ("_lines", "_texts", "segment")

    def __init__(self, segment: Segment, lines: bytes | None = None) -> None:
        self.segment = segment
        self._lines = lines
        self._texts: list[tuple[Channel, str]] | None = None

    @property
    def lines(self) -> bytes:
        """The lines, with channel letters if the log has them."""
        if self._lines is None:
            self._lines = lines_of(self.segment)
        return self._lines

    def texts(self, kind: LogType) -> list[tuple[Channel, str]]:
        """Return the text, with plain line ends: one item for each run of one channel."""
        if self._texts is None:
            runs: Iterable[tuple[Channel, bytes]] = (
                runs_of(self.lines) if kind is LogType.STDIO else [(Channel.STDOUT, self.lines)]
            )
            self._texts = [
                (channel, with_plain_line_ends(run.decode("utf-8", "replace")))
                for channel, run in runs
            ]
        return self._texts


class Collector:
    """Keeps the text of some channels for the step that ran the command."""

    def __init__(self, channels: Iterable[Channel]) -> None:
        self._texts: dict[Channel, list[str]] = {channel: [] for channel in channels}

    def take(self, segment: ReadableSegment) -> None:
        """Collect the wanted channels of a segment."""
        for channel, text in segment.texts(LogType.STDIO):
            if (texts := self._texts.get(channel)) is not None:
                texts.append(text)

    def text(self, channel: Channel) -> str:
        """Return the text of a channel so far."""
        return "".join(self._texts.get(channel, ()))
