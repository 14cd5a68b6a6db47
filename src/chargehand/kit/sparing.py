"""Lines of the log that strangers at a port cause: so many a minute, and then their number."""

from __future__ import annotations

import asyncio
import logging

_SECONDS = 60.0
_MOST = 30


class SparingLog:
    """Writes at most 30 lines a minute, and after that minute how many there were besides."""

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._written = 0
        self._skipped = 0
        self._began_at: float | None = None

    def write(self, level: int, message: str, *arguments: object) -> bool:
        """Write a line, or count it; return whether it was written."""
        now = asyncio.get_running_loop().time()
        if self._began_at is None or now - self._began_at >= _SECONDS:
            self._sum_up()
            self._began_at = now
        if self._written < _MOST:
            self._written += 1
            self._log.log(level, message, *arguments)
            return True
        if not self._skipped:
            rest = self._began_at + _SECONDS - now
            asyncio.get_running_loop().call_later(rest, self._sum_up)
        self._skipped += 1
        return False

    def _sum_up(self) -> None:
        skipped, self._written, self._skipped, self._began_at = self._skipped, 0, 0, None
        if skipped:
            self._log.warning(
                "%d more lines like the %d before were not written within %g s: somebody keeps "
                "connecting to a port of this master",
                *(skipped, _MOST, _SECONDS),
            )
