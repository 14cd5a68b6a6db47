"""Stored values of components."""

from __future__ import annotations

import msgspec


class Remembered(msgspec.Struct, frozen=True, kw_only=True):
    """A value to store with its owner; ``value`` is a JSON value."""

    name: str
    kind: str
    key: str
    value: object
