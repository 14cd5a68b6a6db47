"""A log to download."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RawLog:
    """A log's text without channel letters. ``size`` is the total number of bytes in ``chunks``."""

    size: int
    chunks: AsyncIterator[bytes]
