"""A log to be downloaded."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RawLog:
    """A log's text without channel letters. ``size`` counts the bytes that ``chunks`` will give."""

    size: int
    chunks: AsyncIterator[bytes]
