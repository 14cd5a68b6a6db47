"""Segments of workers that have no zstd are compressed again, as logs store them."""

from __future__ import annotations

import zlib

import zstandard

from chargehand_wire.framing import ProtocolError

_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_LEVEL = 1


def as_zstd(data: bytes, size: int) -> bytes:
    """Return a segment of *size* bytes of text as a zstd frame. Raises ProtocolError."""
    if data.startswith(_ZSTD_MAGIC):
        return data
    try:
        text = zlib.decompressobj().decompress(data, size + 1)
    except zlib.error as error:
        raise ProtocolError(f"a segment that is neither zstd nor zlib: {error}") from error
    if len(text) != size:
        raise ProtocolError("a segment that is longer or shorter than it says")
    return zstandard.ZstdCompressor(level=_LEVEL).compress(text)
