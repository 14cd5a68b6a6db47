"""A log to download."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec


class RawLog(msgspec.Struct, frozen=True, kw_only=True):
    """A log's text without channel letters. ``size`` is the total number of bytes in ``chunks``."""

    size: int
    chunks: AsyncIterator[bytes]
