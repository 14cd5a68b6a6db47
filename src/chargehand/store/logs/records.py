"""The storage format of logs: a sequence of records, each a header and a zstd frame.

A header is 16 bytes, little-endian: the mark ``CHL1``, the number of lines, the size of the text,
and the length of the frame. A record of a command's output has the mark ``CHL2`` and eight bytes
more: a checksum of the command's identifier, and the number of the update that it was. Nothing is
ever altered, so a log that is being written can be read up to the length that was known when the
reading began.
"""

from __future__ import annotations

import struct
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator
from zlib import crc32

import msgspec

from chargehand.domain.build import Segment
from chargehand.domain.identifiers import CommandId

_HEADER = struct.Struct("<4sIII")
_MARK = b"CHL1"
_SOURCE = struct.Struct("<II")
_MARK_WITH_SOURCE = b"CHL2"
_LONGEST_HEADER = _HEADER.size + _SOURCE.size

_INDEX_DISTANCE = 64 * 1024
_BLOCK = 4096

ReadAt = Callable[[int, int], bytes]
"""Returns so many bytes from an offset; fewer where the log ends."""


class Record(msgspec.Struct, frozen=True):
    """The position of a record, and its header."""

    offset: int
    first_line: int
    line_count: int
    size: int
    frame_offset: int
    frame_length: int
    source: tuple[int, int] | None
    """The command's checksum, and the number of its update."""

    @property
    def end(self) -> int:
        """The offset of the next record."""
        return self.frame_offset + self.frame_length


class Extent(msgspec.Struct):
    """How far a log reaches, and a sparse index of it: one entry for every 64 KiB."""

    length: int = 0
    line_count: int = 0
    size: int = 0
    _first_lines: array[int] = msgspec.field(default_factory=lambda: array("Q"))
    _offsets: array[int] = msgspec.field(default_factory=lambda: array("Q"))

    def grow(self, line_count: int, size: int, length: int) -> None:
        """Take in a record of *length* bytes that was appended."""
        if not self._offsets or self.length - self._offsets[-1] >= _INDEX_DISTANCE:
            self._first_lines.append(self.line_count)
            self._offsets.append(self.length)
        self.length += length
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
    source = segment.source
    mark = _MARK if source is None else _MARK_WITH_SOURCE
    header = _HEADER.pack(mark, segment.line_count, segment.size, len(segment.data))
    if source is None:
        return header + segment.data
    told = _SOURCE.pack(_checksum(source.command_id), source.number)
    return b"".join((header, told, segment.data))


def records(read_at: ReadAt, end: int, offset: int = 0, first_line: int = 0) -> Iterator[Record]:
    """Walk over the headers from *offset* up to *end*; stops before a record that is torn."""
    block, start = b"", 0
    while offset + _HEADER.size <= end:
        position = offset - start
        if position < 0 or position + _LONGEST_HEADER > len(block):
            block, start, position = read_at(offset, _BLOCK), offset, 0
        record = _record(block, position, offset, first_line)
        if record is None or record.end > end:
            return
        yield record
        offset = record.end
        first_line += record.line_count


def extent_of(read_at: ReadAt, end: int) -> Extent:
    """Return the extent of the complete records."""
    extent = Extent()
    for record in records(read_at, end):
        extent.grow(record.line_count, record.size, record.end - record.offset)
    return extent


def last_number(read_at: ReadAt, end: int, command_id: CommandId) -> int:
    """Return the number of a command's last stored update; 0 for none."""
    checksum, last = _checksum(command_id), 0
    for record in records(read_at, end):
        if record.source is not None and record.source[0] == checksum:
            last = max(last, record.source[1])
    return last


def _record(block: bytes, position: int, offset: int, first_line: int) -> Record | None:
    if len(block) < position + _HEADER.size:
        return None
    mark, line_count, size, length = _HEADER.unpack_from(block, position)
    header, source = _HEADER.size, None
    if mark == _MARK_WITH_SOURCE:
        header = _LONGEST_HEADER
        if len(block) < position + header:
            return None
        source = _SOURCE.unpack_from(block, position + _HEADER.size)
    elif mark != _MARK:
        return None
    return Record(offset, first_line, line_count, size, offset + header, length, source)


def _checksum(command_id: CommandId) -> int:
    """Commands of one step differ in their last few characters only, and so always in this."""
    return crc32(command_id.encode())
