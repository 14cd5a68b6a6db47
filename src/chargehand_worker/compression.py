"""How a worker compresses its output: zstd where there is a package for it, else zlib."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from typing import TYPE_CHECKING, BinaryIO, cast

if TYPE_CHECKING:
    import zstandard
else:
    try:
        import zstandard
    except ImportError:
        zstandard = None

_LEVEL = 1
HAS_ZSTD = zstandard is not None


def compressor() -> Callable[[bytes], bytes]:
    """Return the function that compresses a segment's text."""
    if zstandard is None:
        return partial(zlib.compress, level=_LEVEL)
    return zstandard.ZstdCompressor(level=_LEVEL).compress


def compressing(file: BinaryIO) -> AbstractContextManager[BinaryIO]:
    """Return what compresses what is written to it into *file*; only where there is zstd."""
    writer = zstandard.ZstdCompressor(level=_LEVEL).stream_writer(file, closefd=False)
    return cast("AbstractContextManager[BinaryIO]", writer)
