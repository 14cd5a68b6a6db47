"""What time it is: the one place that asks the machine."""

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time of day; for durations use the loop's time."""

    def now(self) -> datetime:
        """Return the time, aware, in UTC."""

    def timestamp(self) -> float:
        """Return the same time as seconds since 1970."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the time, aware, in UTC."""
        return datetime.now(UTC)

    def timestamp(self) -> float:
        """Return the same time as seconds since 1970."""
        return datetime.now(UTC).timestamp()
