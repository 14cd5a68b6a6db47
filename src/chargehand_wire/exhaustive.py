"""A check that all kinds of a value are dealt with, for Python versions without ``match``."""

from __future__ import annotations

from typing import NoReturn


def never(value: NoReturn) -> NoReturn:
    """Stand where no kind is left: type checkers complain about a kind that gets there."""
    raise AssertionError(f"unexpected {type(value).__name__}")
