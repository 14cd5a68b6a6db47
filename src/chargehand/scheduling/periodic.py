"""The Periodic scheduler: builds at fixed intervals."""

from __future__ import annotations

from chargehand.domain.identifiers import Timestamp
from chargehand.scheduling.timed import TimedSettings


class Settings(TimedSettings, frozen=True, kw_only=True):
    """Settings of a Periodic scheduler: it builds when it is new, then every *period* seconds."""

    seconds: float

    def next_time(self, last: Timestamp | None, now: Timestamp) -> Timestamp:
        """Return when to build next: now, if it has not built yet."""
        return now if last is None else last + self.seconds

    def after_shift(self, last: Timestamp | None, seconds: float) -> Timestamp | None:
        """Shift the last time with the clock: a period is a duration."""
        return None if last is None else last + seconds

    def is_forced(self, now: Timestamp) -> bool:
        """Return False: with onlyIfChanged, Periodic never builds without important changes."""
        return False
