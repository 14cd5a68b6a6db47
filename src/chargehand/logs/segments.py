"""Segments of logs: whole lines, compressed."""

from __future__ import annotations

import re
from collections.abc import Iterator

import zstandard

from chargehand.domain.build import Channel, Segment

_LEVEL = 1
_MOST = 64 * 1024 * 1024
"""Maximum size of a segment; larger ones are a sender's error."""

_PIECE = 256 * 1024

_RUNS = re.compile(rb"(?:o[^\n]*\n)+|(?:e[^\n]*\n)+|(?:h[^\n]*\n)+")

_compressor = zstandard.ZstdCompressor(level=_LEVEL)
_decompressor = zstandard.ZstdDecompressor()


def segment_of(lines: bytes) -> Segment:
    """Return a segment of whole lines (with channel letters if the log has them)."""
    return Segment(data=_compressor.compress(lines), line_count=lines.count(b"\n"), size=len(lines))


def lines_of(segment: Segment) -> bytes:
    """Return the lines of a segment."""
    return _decompressor.decompress(segment.data, max_output_size=min(segment.size, _MOST))


def with_letter(channel: Channel, lines: bytes) -> bytes:
    """Prefix each whole line with the channel's letter."""
    letter = channel.value.encode()
    return letter + lines[:-1].replace(b"\n", b"\n" + letter) + b"\n"


def pieces_of(lines: bytes, size: int = _PIECE) -> Iterator[bytes]:
    """Split the lines into pieces of whole lines, of about *size* bytes each."""
    start = 0
    while len(lines) - start > size:
        end = lines.find(b"\n", start + size) + 1
        yield lines[start:end]
        start = end
    if start < len(lines):
        yield lines[start:]


def runs_of(lines: bytes) -> Iterator[tuple[Channel, bytes]]:
    """Return the lines of a STDIO log without letters: one item for each run of one channel."""
    for match in _RUNS.finditer(lines):
        run = match.group()
        letter = run[:1]
        yield Channel(letter.decode()), run[1:].replace(b"\n" + letter, b"\n")
