"""Times and durations."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from chargehand.kit.clock import SystemClock

__all__ = [
    "UTC",
    "datetime2epoch",
    "epoch2datetime",
    "formatInterval",
    "fuzzyInterval",
    "human_readable_delta",
    "now",
    "toJson",
]


def now(_reactor: Any = None) -> float:
    """Return the time as seconds since 1970; a reactor's clock is asked if one is given."""
    return float(_reactor.seconds()) if _reactor is not None else SystemClock().timestamp()


def epoch2datetime(epoch: float | None) -> datetime | None:
    """Return an aware time (UTC) for seconds since 1970; None for None."""
    return None if epoch is None else datetime.fromtimestamp(epoch, UTC)


def datetime2epoch(dt: datetime | None) -> int | None:
    """Return whole seconds since 1970 of a time (UTC, if it does not say); None for None."""
    if dt is None:
        return None
    return int((dt if dt.tzinfo else dt.replace(tzinfo=UTC)).timestamp())


def toJson(obj: Any) -> Any:
    """Return what JSON shall hold for an object that it does not know: a time in seconds."""
    return datetime2epoch(obj) if isinstance(obj, datetime) else None


def formatInterval(eta: float) -> str:
    """Return a duration as ``1 hrs, 2 mins, 3 secs``."""
    total = int(eta)
    hours, rest = divmod(total, 3600) if total > 3600 else (0, total)
    minutes, seconds = divmod(rest, 60) if rest > 60 or total == 3600 else (0, rest)
    parts = [f"{hours} hrs"] if hours else []
    if minutes:
        parts.append(f"{minutes} mins")
    return ", ".join([*parts, f"{seconds} secs"])


def fuzzyInterval(seconds: float) -> str:
    """Return a duration as people say it: ``a moment``, ``2 minutes``, ``a month``."""
    if seconds <= 1:
        return "a moment"
    amount = _roughly(seconds)
    for size, unit, larger in _UNITS:
        if amount < size:
            return _counted(amount, unit)
        amount = max(1, larger(amount))
    return _counted(amount, "year")


def _roughly(amount: float) -> int:
    return round(amount) if amount <= 20 else round(amount / 10) * 10


_UNITS: tuple[tuple[int, str, Callable[[int], int]], ...] = (
    (60, "second", lambda seconds: _roughly(seconds / 60)),
    (60, "minute", lambda minutes: round(minutes / 60)),
    (24, "hour", lambda hours: round(hours / 24)),
    (30, "day", lambda days: round(days / 31)),
    (12, "month", lambda months: round(months / 12)),
)


def _counted(amount: int, unit: str) -> str:
    if amount == 1:
        return f"an {unit}" if unit == "hour" else f"a {unit}"
    return f"{amount} {unit}s"


def human_readable_delta(start: float, end: float) -> str:
    """Return the time between two times (seconds since 1970) in days, hours, minutes, seconds."""
    if start > end:
        return "in the future"
    total = int(end - start)
    days, rest = divmod(total, 86400)
    hours, rest = divmod(rest, 3600)
    minutes, seconds = divmod(rest, 60)
    parts = ((days, "days"), (hours, "hours"), (minutes, "minutes"), (seconds, "seconds"))
    return ", ".join(f"{n} {unit}" for n, unit in parts if n) or "super fast"
