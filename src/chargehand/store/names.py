"""Unique names."""

from __future__ import annotations

_NAME_LENGTH = 50


def numbered(name: str, taken: set[str], first: int = 1) -> str:
    """Return *name* with the first number (from *first* on) that makes it unique in *taken*."""
    number = first
    candidate = name
    while candidate in taken:
        suffix = f"_{number}"
        candidate = name[: _NAME_LENGTH - len(suffix)] + suffix
        number += 1
    return candidate
