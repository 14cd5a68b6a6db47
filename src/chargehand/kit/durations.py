"""Formats durations for people."""

from __future__ import annotations

from itertools import pairwise

_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def duration(seconds: float) -> str:
    """Return a duration in at most two units."""
    if isinstance(seconds, float) and 0 <= seconds < 9.95:
        return f"{seconds:.1f} s" if seconds >= 0.05 else "< 0.1 s"
    whole = max(0, round(seconds))
    for (size, unit), (smaller, next_unit) in pairwise(_UNITS):
        if whole >= size:
            return f"{whole // size} {unit} {whole % size // smaller} {next_unit}"
    return f"{whole} s"


def rough(seconds: float) -> str:
    """Return a limit as people say it, without parts that are zero."""
    if seconds < 60:
        return f"{seconds:g} s"
    return duration(round(seconds)).removesuffix(" 0 s").removesuffix(" 0 min").removesuffix(" 0 h")


def ago(seconds: float) -> str:
    """Return an age in one unit, with "ago"."""
    whole = max(0, int(seconds))
    size, unit = next((unit for unit in _UNITS if whole >= unit[0]), _UNITS[-1])
    return f"{whole // size} {unit} ago"
