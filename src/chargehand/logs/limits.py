"""Limits of a log: keeps its beginning, optionally its end, and notes the truncation."""

from __future__ import annotations

import re
from collections import deque

import msgspec

from chargehand.domain.build import Channel, LogType, Segment
from chargehand.logs.segments import lines_of, segment_of, with_letter

_LINES = re.compile(rb"[^\n]*\n")


class LimitedLog:
    """Decides which segments of a log to store. Holds at most ``max_tail_size`` bytes."""

    def __init__(self, kind: LogType, max_size: int, max_tail_size: int | None) -> None:
        self._kind = kind
        self._room = max_size
        self._max_size = max_size
        self._tail_room = max_tail_size or 0
        self._tail: deque[bytes] = deque()
        self._tail_size = 0
        self._is_cut = False

    def admit(self, segment: Segment) -> Segment | None:
        """Return the part of *segment* to store now, or None."""
        if self._is_cut:
            self._keep(lines_of(segment))
            return None
        if segment.size <= self._room:
            self._room -= segment.size
            return segment
        lines = lines_of(segment)
        end = lines.rfind(b"\n", 0, max(self._room, 0)) + 1
        self._is_cut = True
        self._keep(lines[end:])
        notice = f"Output exceeded {self._max_size} bytes, remaining output has been truncated\n"
        admitted = segment_of(lines[:end] + self._header(notice))
        return msgspec.structs.replace(admitted, source=segment.source)

    def rest(self) -> Segment | None:
        """Return the last lines to store at the end, if configured."""
        if not self._tail:
            return None
        lines = b"".join(self._tail)
        self._tail.clear()
        return segment_of(self._header(f"Final {len(lines)} bytes follow below\n") + lines)

    def _header(self, text: str) -> bytes:
        if self._kind is not LogType.STDIO:
            return text.encode()
        return with_letter(Channel.HEADER, text.encode())

    def _keep(self, lines: bytes) -> None:
        if not self._tail_room:
            return
        start = len(lines) - self._tail_room
        if start > 0:
            self._tail.clear()
            self._tail_size = 0
            lines = lines[lines.find(b"\n", start - 1) + 1 :]
        for line in _LINES.findall(lines):
            self._tail.append(line)
            self._tail_size += len(line)
        while self._tail_size > self._tail_room:
            self._tail_size -= len(self._tail.popleft())
