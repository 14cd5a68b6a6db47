"""Texts for old workers that run with Python 2.

Workers before 0.9.12 expect bytes there, which Python 2 calls strings. What they do with text that
is not ASCII fails, or never ends.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_FIRST_WITH_TEXT = (0, 9, 12)
_NUMBERS = re.compile(rb"(\d+)\.(\d+)\.(\d+)")


def wants_bytes(info: Mapping[str, object]) -> bool:
    """Return whether a worker that says *info* about itself must get bytes instead of text.

    With Python 2, what it calls a string comes as bytes, too.
    """
    version = info.get("version")
    if not isinstance(version, bytes):
        return False
    numbers = _NUMBERS.match(version)
    return numbers is not None and tuple(map(int, numbers.groups())) < _FIRST_WITH_TEXT


def with_bytes(value: Any) -> Any:
    """Return a value of an order with bytes for all its texts."""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape")
    if isinstance(value, list | tuple):
        return type(value)(with_bytes(item) for item in value)
    if isinstance(value, dict):
        return {with_bytes(key): with_bytes(item) for key, item in value.items()}
    return value
