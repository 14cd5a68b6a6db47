"""The form in which logs are kept: records one after the other, each a header and a zstd frame.

A header is 16 bytes, little-endian: the mark ``CHL1``, the number of lines, the size of the text,
and the length of the frame. Nothing is ever altered, so a log that is being written can be read up
to the length that was known when the reading began.
"""

from __future__ import annotations

import struct
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from chargehand.domain.build import Segment

_HEADER = struct.Struct("<4sIII")
_MARK = b"CHL1"
HEADER_SIZE = _HEADER.size

_INDEX_DISTANCE = 64 * 1024
_BLOCK = 4096

ReadAt = Callable[[int, int], bytes]
"""Returns so many bytes from an offset; fewer where the log ends."""


@dataclass(frozen=True, slots=True)
class Record:
    """Where a record is, and what is in it."""

    offset: int
    first_line: int
    line_count: int
    size: int
    length: int
    """Of the frame."""

    @property
    def end(self) -> int:
        """The offset of the next record."""
        return self.offset + HEADER_SIZE + self.length


@dataclass(slots=True)
class Extent:
    """How far a log reaches, and a sparse index of it: one entry for every 64 KiB."""

    length: int = 0
    line_count: int = 0
    size: int = 0
    _first_lines: array[int] = field(default_factory=lambda: array("Q"))
    _offsets: array[int] = field(default_factory=lambda: array("Q"))

    def grow(self, line_count: int, size: int, length: int) -> None:
        """Take in a record that was appended; *length* is that of its frame."""
        if not self._offsets or self.length - self._offsets[-1] >= _INDEX_DISTANCE:
            self._first_lines.append(self.line_count)
            self._offsets.append(self.length)
        self.length += HEADER_SIZE + length
        self.line_count += line_count
        self.size += size

    def near(self, line: int) -> tuple[int, int]:
        """Return offset and first line of an indexed record at or before *line*."""
        position = bisect_right(self._first_lines, line) - 1
        if position < 0:
            return 0, 0
        return self._offsets[position], self._first_lines[position]

    def snapshot(self) -> Extent:
        """Return the extent as it is now; the index is shared, since it only grows."""
        return Extent(self.length, self.line_count, self.size, self._first_lines, self._offsets)


def encoded(segment: Segment) -> bytes:
    """Return *segment* as a record."""
    header = _HEADER.pack(_MARK, segment.line_count, segment.size, len(segment.data))
    return header + segment.data


def records(read_at: ReadAt, end: int, offset: int = 0, first_line: int = 0) -> Iterator[Record]:
    """Walk over the headers from *offset* up to *end*; stops before a record that is torn."""
    block, start = b"", 0
    while offset + HEADER_SIZE <= end:
        position = offset - start
        if position < 0 or position + HEADER_SIZE > len(block):
            block, start, position = read_at(offset, _BLOCK), offset, 0
            if len(block) < HEADER_SIZE:
                return
        mark, line_count, size, length = _HEADER.unpack_from(block, position)
        record = Record(offset, first_line, line_count, size, length)
        if mark != _MARK or record.end > end:
            return
        yield record
        offset = record.end
        first_line += line_count


def extent_of(read_at: ReadAt, end: int) -> Extent:
    """Return how far the whole records reach."""
    extent = Extent()
    for record in records(read_at, end):
        extent.grow(record.line_count, record.size, record.length)
    return extent
