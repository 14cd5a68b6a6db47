"""Building again and again, after so many seconds."""

from __future__ import annotations

from dataclasses import dataclass

from chargehand.domain.identifiers import Timestamp
from chargehand.scheduling.timed import TimedSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(TimedSettings):
    """Of a Periodic scheduler: it builds at once when it is new, then after so many seconds."""

    seconds: float

    def next_time(self, last: Timestamp | None, now: Timestamp) -> Timestamp:
        """Return when to build next; at once when it never built."""
        return now if last is None else last + self.seconds

    def after_shift(self, last: Timestamp | None, seconds: float) -> Timestamp | None:
        """A period is a duration, whatever the clock is set to."""
        return None if last is None else last + seconds

    def is_forced(self, now: Timestamp) -> bool:
        """Nothing is built without an important change, where only changes are built."""
        return False
