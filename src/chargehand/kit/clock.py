"""The clock: the only module that reads the machine's time."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """The time of day; for durations use the loop's time."""

    def now(self) -> datetime:
        """Return the time in UTC, timezone-aware."""

    def timestamp(self) -> float:
        """Return the time as seconds since 1970."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the time in UTC, timezone-aware."""
        return datetime.now(UTC)

    def timestamp(self) -> float:
        """Return the time as seconds since 1970."""
        return time.time()
