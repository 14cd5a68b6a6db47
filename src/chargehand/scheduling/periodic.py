"""Building again and again, after so many seconds."""

from __future__ import annotations

from dataclasses import dataclass

from chargehand.domain.identifiers import SchedulerId, Timestamp
from chargehand.scheduling.submitting import Surroundings
from chargehand.scheduling.timed import Timed, TimedSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(TimedSettings):
    """Of a Periodic scheduler."""

    seconds: float


class Periodic(Timed):
    """Builds at once when it is new, and then after so many seconds each."""

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
        self._seconds = settings.seconds

    def next_time(self, last: Timestamp | None) -> Timestamp:
        """Return when to build next; at once when it never built."""
        return self._given.clock.timestamp() if last is None else last + self._seconds
