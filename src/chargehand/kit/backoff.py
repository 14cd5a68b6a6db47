"""Exponential backoff after failures."""

from __future__ import annotations


class Backoff:
    """When to retry: each pause is twice as long as the previous one, up to *longest* seconds."""

    __slots__ = ("_first", "_longest", "_next", "until")

    def __init__(self, *, first: float, longest: float) -> None:
        self._first = first
        self._longest = longest
        self._next = first
        self.until = 0.0
        """The earliest time of the next attempt."""

    def failed(self, now: float) -> float:
        """Record a failure; return how long to pause."""
        pause = self._next
        self._next = min(pause * 2, self._longest)
        self.until = now + pause
        return pause

    def reset(self) -> None:
        """Reset, after a success or a change of conditions."""
        self._next = self._first
        self.until = 0.0
