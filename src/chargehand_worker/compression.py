"""How a worker compresses its output: zstd where there is a package for it, else zlib."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import zstandard
else:
    try:
        import zstandard
    except ImportError:
        zstandard = None

_LEVEL = 1


def compressor() -> Callable[[bytes], bytes]:
    """Return the function that compresses a segment's text."""
    if zstandard is None:
        return partial(zlib.compress, level=_LEVEL)
    return zstandard.ZstdCompressor(level=_LEVEL).compress
