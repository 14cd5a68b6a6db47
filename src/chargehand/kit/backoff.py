"""Growing pauses after failures."""

from __future__ import annotations


class Backoff:
    """When to try again: each pause is twice as long as the one before, up to *longest* seconds."""

    def __init__(self, *, first: float, longest: float) -> None:
        self._first = first
        self._longest = longest
        self._next = first
        self.until = 0.0
        """The time before which nothing is to be tried."""

    def failed(self, now: float) -> float:
        """Take note of a failure; return how long to pause."""
        pause = self._next
        self._next = min(pause * 2, self._longest)
        self.until = now + pause
        return pause

    def reset(self) -> None:
        """Begin again: it worked, or something changed."""
        self._next = self._first
        self.until = 0.0
