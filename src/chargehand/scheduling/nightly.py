"""The Nightly scheduler: builds by a cron-like schedule."""

from __future__ import annotations

from datetime import tzinfo

from chargehand.domain.identifiers import Timestamp
from chargehand.scheduling.time_table import TimeTable
from chargehand.scheduling.timed import TimedSettings


class Settings(TimedSettings, frozen=True, kw_only=True):
    """Settings of a Nightly scheduler; without ``zone`` it uses the machine's time zone."""

    table: TimeTable
    forced: TimeTable | None = None
    """When to build even without important changes."""
    zone: tzinfo | None = None

    def next_time(self, last: Timestamp | None, now: Timestamp) -> Timestamp:
        """Return when to build next."""
        return self.table.next_after(now if last is None else last, self.zone)

    def is_forced(self, now: Timestamp) -> bool:
        """Return whether the schedule of forced builds includes this minute."""
        return self.forced is not None and self.forced.is_due(now, self.zone)
