"""How the master's log is rotated, for those who write other logs beside it."""

from __future__ import annotations

import logging
from typing import Protocol, runtime_checkable


@runtime_checkable
class RotatedLog(Protocol):
    """A handler that rotates its file."""

    max_size: int
    """Bytes; the file is rotated before it is larger. 0: never."""
    count: int | None
    """How many rotated files are kept; None: all."""

    def limit(self, max_size: int | None, count: int | None) -> None:
        """Rotate by other limits from now on."""


def rotated_log() -> RotatedLog | None:
    """Return the handler that writes the master's log to a file, None if there is none."""
    return next((one for one in logging.getLogger().handlers if isinstance(one, RotatedLog)), None)
