"""What a stock worker's command writes, cut into segments of whole lines."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import count

from chargehand.domain.build import SegmentSource
from chargehand.domain.command import Output
from chargehand.domain.identifiers import CommandId
from chargehand.domain.session import Receipt
from chargehand.kit.values import replace
from chargehand.logs.segments import pieces_of, segment_of
from chargehand_wire.pacing import Pace

_SEGMENT_SIZE = 256 * 1024
"""Bytes that are enough for a segment."""
_LARGEST_SEGMENT = 512 * 1024
"""Bytes that still make one, so that what came with the last line is no segment of its own."""
_LONGEST_LINE = 1024 * 1024


class StockOutput:
    """The logs of one command; passes segments to *send*, with their size."""

    def __init__(
        self, command_id: CommandId, send: Callable[[Output, int], Receipt | None]
    ) -> None:
        self._id = command_id
        self._send = send
        self._numbers = count(1)
        self._begun: dict[tuple[str, bytes], bytes] = {}
        """Lines that are not complete, by log and letter."""
        self._lines: dict[str, list[bytes]] = {}
        self._sizes: dict[str, int] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._pace = Pace()

    def write(self, log: str, letter: bytes, text: bytes) -> None:
        """Add text that was written to a log; *letter* is that of its channel."""
        key = (log, letter)
        begun = self._begun.pop(key, b"")
        end = text.rfind(b"\n")
        if end < 0:
            begun += text
            if len(begun) > _LONGEST_LINE:
                self._add(log, letter, begun)
            elif begun:
                self._begun[key] = begun
            return
        self._add(log, letter, begun + text[:end] if begun else text[:end])
        if end + 1 < len(text):
            self._begun[key] = text[end + 1 :]

    def end_lines(self) -> None:
        """End the lines that have begun."""
        for (log, letter), begun in self._begun.items():
            self._add(log, letter, begun)
        self._begun.clear()

    def finish(self) -> None:
        """Send everything, lines without an end as well."""
        self.end_lines()
        self.flush()

    def flush(self) -> None:
        """Send all whole lines."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._pace.sent(asyncio.get_running_loop().time())
        for log in [*self._lines]:
            self._cut(log)

    def _add(self, log: str, letter: bytes, lines: bytes) -> None:
        text = b"%s%s\n" % (letter, lines.replace(b"\n", b"\n" + letter))
        self._lines.setdefault(log, []).append(text)
        self._sizes[log] = self._sizes.get(log, 0) + len(text)
        if self._sizes[log] >= _SEGMENT_SIZE:
            self._cut(log)
        elif self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._pace.delay(loop.time()), self.flush)

    def _cut(self, log: str) -> None:
        lines = self._lines.pop(log)
        del self._sizes[log]
        for piece in pieces_of(b"".join(lines), _LARGEST_SEGMENT):
            source = SegmentSource(command_id=self._id, number=next(self._numbers))
            segment = replace(segment_of(piece), source=source)
            self._send(Output(log=log, segment=segment), len(piece))
