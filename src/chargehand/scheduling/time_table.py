"""Cron-like schedules: computes the next time, with daylight-saving rules."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import islice

import msgspec

from chargehand.domain.identifiers import Timestamp

Times = int | str | Sequence[int | str]
"""One value, a list of values, or an expression as in crontab(5)."""

_LONGEST_SHIFT = timedelta(hours=3)
"""More than any time zone sets clocks back at once."""

_MOST_CANDIDATES = 1000
"""More minutes than twice that."""


class TimeTableError(ValueError):
    """A field of the schedule is invalid; the message says which."""


_RANGES = (
    ("minute", 0, "0\N{EN DASH}59"),
    ("hour", 1, "0\N{EN DASH}23"),
    ("day_of_month", 2, "1\N{EN DASH}31"),
    ("month", 3, "1\N{EN DASH}12"),
    ("day_of_week", 4, "0\N{EN DASH}6 (0 is Monday)"),
)
"""Fields, their places in a line of crontab(5), and what they may hold."""


class TimeTable(msgspec.Struct, frozen=True, kw_only=True):
    """A cron-like schedule. ``day_of_week`` counts from Monday = 0, as in Python."""

    minute: Times = 0
    hour: Times = "*"
    day_of_month: Times = "*"
    month: Times = "*"
    day_of_week: Times = "*"

    @property
    def cron_line(self) -> str:
        """The schedule as a crontab(5) line, where Sunday is 0."""
        fields = (self.minute, self.hour, self.day_of_month, self.month)
        return " ".join([*map(_field, fields), _field(_days_of_week(self.day_of_week))])

    def check(self, prefix: str = "") -> None:
        """Raise TimeTableError, which names the first field that makes no sense.

        With a *prefix*, fields are called by it and their own names.
        """
        for name, place, allowed in _RANGES:
            value: Times = getattr(self, name)
            if not isinstance(value, int | Collection) or isinstance(value, Mapping | bytes):
                kinds = "a number, a list of numbers, or text as in crontab(5)"
                raise TimeTableError(f"{_said(name, value, prefix)}: must be {kinds}")
            days = _days_of_week(value) if name == "day_of_week" else value
            if not _is_valid(" ".join([*"*" * place, _field(days), *"*" * (4 - place)])):
                raise TimeTableError(f"{_said(name, value, prefix)}: must be {allowed}")
        if not _is_valid(self.cron_line):
            raise TimeTableError(f"{self.cron_line!r} never matches, as a line of crontab(5)")

    def next_after(self, last: Timestamp, zone: tzinfo | None = None) -> Timestamp:
        """Return the first time after *last*; *zone* None is the machine's.

        When clocks go forward, a skipped time is due one hour later. When they go back, fixed
        hours are due once, and "every hour" includes both occurrences of the repeated hour.
        """
        best: Timestamp | None = None
        for wall in islice(self._wall_times(last, zone), _MOST_CANDIDATES):
            if best is not None and _timestamp(wall, zone) > best + _LONGEST_SHIFT.total_seconds():
                break
            for time in self._moments(wall, zone):
                if time > last and (best is None or time < best):
                    best = time
        if best is None:
            raise TimeTableError(f"{self.cron_line!r} is never due")
        return best

    def is_due(self, time: Timestamp, zone: tzinfo | None = None) -> bool:
        """Return whether the schedule includes the minute of *time*."""
        wall = _wall_time(time, zone).replace(second=0, microsecond=0)
        from croniter import croniter

        return bool(croniter.match(self.cron_line, wall))

    def _wall_times(self, last: Timestamp, zone: tzinfo | None) -> Iterator[datetime]:
        from croniter import croniter

        table = croniter(self.cron_line, _wall_time(last, zone) - _LONGEST_SHIFT)
        while True:
            yield table.get_next(datetime)

    def _moments(self, wall: datetime, zone: tzinfo | None) -> Iterator[Timestamp]:
        yield _timestamp(wall, zone)
        if _field(self.hour) == "*":
            second = _timestamp(wall.replace(fold=1), zone)
            if _wall_time(second, zone) == wall:
                yield second


def _is_valid(cron_line: str) -> bool:
    # Imported where it is used: every master has this module, and few have timed schedulers.
    from croniter import croniter

    return bool(croniter.is_valid(cron_line))


def _wall_time(time: Timestamp, zone: tzinfo | None) -> datetime:
    return datetime.fromtimestamp(time, UTC).astimezone(zone).replace(tzinfo=None, fold=0)


def _timestamp(wall: datetime, zone: tzinfo | None) -> Timestamp:
    # Without a zone Python uses the machine's rules, including ``fold``.
    return wall.replace(tzinfo=zone).timestamp()


def _field(times: Times) -> str:
    if isinstance(times, str | int):
        return str(times)
    return ",".join(map(str, times))


def _days_of_week(times: Times) -> Times:
    """Convert to cron's counting from Sunday: single numbers only, not ranges and names."""
    if isinstance(times, int):
        return (times + 1) % 7
    if isinstance(times, str):
        return ",".join(map(_day_of_week, times.split(",")))
    return [_day_of_week(str(time)) for time in times]


def _day_of_week(time: str) -> str:
    return str((int(time) + 1) % 7) if time.strip().isdigit() else time


def _said(name: str, value: Times, prefix: str) -> str:
    """Return the argument as one writes it in a configuration."""
    if prefix:
        return f"{prefix}{name}={value!r}"
    argument = {"day_of_month": "dayOfMonth", "day_of_week": "dayOfWeek"}.get(name, name)
    return f"{argument}={value!r}"
