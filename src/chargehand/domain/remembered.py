"""Stored values of components."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """A value to store with its owner; ``value`` is a JSON value."""

    name: str
    kind: str
    key: str
    value: object
