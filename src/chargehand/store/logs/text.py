"""Reading the text of logs: decompressing only what is asked for, letters or not."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterator

import zstandard

from chargehand.kit.counted import counted
from chargehand.store.logs.records import Extent, ReadAt, Record, records

_logger = logging.getLogger(__name__)

DELETED_TEXT = b"[deleted: this log was older than the log horizon]\n"
"""Shown in the place of a log whose text was deleted."""

_CHUNK = 1024 * 1024
_LETTERS = re.compile(rb"\n[oeh]")

# Contexts for decompression are costly to make and serve one thread at a time.
_thread = threading.local()


def lines(read_at: ReadAt, extent: Extent, first: int, count: int | None) -> bytes:
    """Return *count* lines (None: all) from line *first* on."""
    return b"".join(lines_in_pieces(read_at, extent, first, count))


def lines_in_pieces(
    read_at: ReadAt, extent: Extent, first: int, count: int | None
) -> Iterator[bytes]:
    """Return what `lines` returns, record by record."""
    end_line = extent.line_count if count is None else min(first + count, extent.line_count)
    if first >= end_line:
        return
    offset, first_line = extent.near(first)
    for record in records(read_at, extent.length, offset, first_line):
        if record.first_line >= end_line:
            break
        if record.first_line + record.line_count <= first:
            continue
        text = _text(read_at, record)
        skipped = max(first - record.first_line, 0)
        wanted = min(end_line - record.first_line, record.line_count)
        yield _cut(text, skipped, wanted, record.line_count)


def chunks(read_at: ReadAt, extent: Extent, *, has_letters: bool) -> Iterator[bytes]:
    """Return the text in pieces of about a mebibyte, channel letters taken off."""
    texts: list[bytes] = []
    size = 0
    for record in records(read_at, extent.length):
        text = _text(read_at, record)
        texts.append(_without_letters(text) if has_letters else text)
        size += record.size
        if size >= _CHUNK:
            yield b"".join(texts)
            texts, size = [], 0
    if texts:
        yield b"".join(texts)


def line_pieces(
    read_at: ReadAt, extent: Extent, first: int, *, has_letters: bool
) -> Iterator[tuple[int, bytes]]:
    """Return the lines from *first* on, channel letters taken off, record by record: the number
    of the first line of each piece, and the piece."""
    offset, first_line = extent.near(first)
    for record in records(read_at, extent.length, offset, first_line):
        skipped = max(first - record.first_line, 0)
        if skipped >= record.line_count:
            continue
        text = _cut(_text(read_at, record), skipped, record.line_count, record.line_count)
        yield record.first_line + skipped, _without_letters(text) if has_letters else text


def plain_size(extent: Extent, *, has_letters: bool) -> int:
    """Return how many bytes `chunks` gives in all: every line has one letter."""
    return extent.size - extent.line_count if has_letters else extent.size


def _without_letters(text: bytes) -> bytes:
    """Take the letter off each line; but for the first one's, it comes after a newline."""
    return _LETTERS.sub(b"\n", memoryview(text)[1:])


def _text(read_at: ReadAt, record: Record) -> bytes:
    """Return the text of a record; of a damaged one as many lines and bytes that say so."""
    frame = read_at(record.frame_offset, record.frame_length)
    try:
        text: bytes = _decompressor().decompress(frame, max_output_size=record.size)
    except zstandard.ZstdError as error:
        _logger.error("a log is damaged at byte %d: %s", record.offset, error)
        return _damaged_text(record)
    return text if len(text) == record.size else _damaged_text(record)


def _damaged_text(record: Record) -> bytes:
    room = max(record.size - 2 * record.line_count, 0)
    lines = counted(record.line_count, "line")
    note = f"[damaged: {lines} of this log cannot be read] ".encode()
    return b"h" + note[:room].ljust(room, b".") + b"\n" + b"h\n" * (record.line_count - 1)


def missing_text(line_count: int, *, has_letters: bool) -> bytes:
    """Return what is shown in the place of lines that are in the row's count and nowhere else."""
    letter = b"h" if has_letters else b""
    lines = counted(line_count, "line")
    return letter + f"[missing or damaged: {lines} of this log cannot be read]\n".encode()


def _decompressor() -> zstandard.ZstdDecompressor:
    if not hasattr(_thread, "decompressor"):
        _thread.decompressor = zstandard.ZstdDecompressor()
    found: zstandard.ZstdDecompressor = _thread.decompressor
    return found


def _cut(text: bytes, first: int, end: int, line_count: int) -> bytes:
    text = text[_after_lines(text, first, line_count) :]
    return text[: _after_lines(text, end - first, line_count - first)]


def _after_lines(text: bytes, count: int, line_count: int) -> int:
    """Return where the line after the first *count* lines begins; looks from the nearer end."""
    if not count:
        return 0
    following = line_count - count
    if not following:
        return len(text)
    if count <= following:
        rest = text.split(b"\n", count)
        return len(text) - len(rest[-1]) if len(rest) > count else len(text)
    # The last piece is what follows the last newline: nothing.
    rest = text.rsplit(b"\n", following + 1)
    return len(rest[0]) + 1 if len(rest) > following + 1 else 0
