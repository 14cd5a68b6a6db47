"""Unique names."""

from __future__ import annotations

_NAME_LENGTH = 50


def numbered(name: str, taken: set[str], first: int = 1) -> str:
    """Return *name* with the first number (from *first* on) that makes it unique in *taken*."""
    number = first
    candidate = name
    while candidate in taken:
        candidate = with_number(name, number)
        number += 1
    return candidate


def with_number(name: str, number: int) -> str:
    """Return *name* with this number."""
    suffix = f"_{number}"
    return name[: _NAME_LENGTH - len(suffix)] + suffix
