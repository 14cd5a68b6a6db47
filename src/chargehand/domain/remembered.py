"""What components remember by name."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """Something to be remembered with what it belongs to; ``value`` is what JSON can hold."""

    name: str
    kind: str
    key: str
    value: object
