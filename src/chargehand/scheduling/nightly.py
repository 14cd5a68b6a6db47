"""Building by a time table."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import tzinfo

from chargehand.domain.identifiers import SchedulerId, Timestamp
from chargehand.scheduling.submitting import Surroundings
from chargehand.scheduling.time_table import TimeTable
from chargehand.scheduling.timed import Timed, TimedSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(TimedSettings):
    """Of a Nightly scheduler; ``zone`` None is the machine's time zone."""

    table: TimeTable
    forced: TimeTable | None = None
    """When to build although nothing important changed."""
    zone: tzinfo | None = None


class Nightly(Timed):
    """Builds by a time table."""

    def __init__(
        self,
        *,
        name: str,
        scheduler_id: SchedulerId,
        settings: Settings,
        surroundings: Surroundings,
    ) -> None:
        super().__init__(
            name=name, scheduler_id=scheduler_id, settings=settings, surroundings=surroundings
        )
        self._settings = settings

    def next_time(self, last: Timestamp | None) -> Timestamp:
        """Return when to build next."""
        since = self._given.clock.timestamp() if last is None else last
        return self._settings.table.next_after(since, self._settings.zone)

    def is_forced(self, now: Timestamp) -> bool:
        """Return whether the table of forced builds has this minute."""
        forced = self._settings.forced
        return forced is not None and forced.is_due(now, self._settings.zone)
