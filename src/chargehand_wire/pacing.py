"""How long the lines of a log wait for others before they are sent together."""

from __future__ import annotations

_APART = 0.1
"""Seconds between two parcels, if there is always something to send."""
_TOGETHER = 0.01
"""Seconds that lines after a silence wait: what one `write` of a program says comes together."""


class Pace:
    """Lines after a silence go almost at once, those of a flood ten times a second.

    The first ones wait as if something had just been sent: most commands are short, and all that
    they say then goes with their end.
    """

    __slots__ = ("_sent_at",)

    def __init__(self) -> None:
        self._sent_at: float | None = None

    def delay(self, now: float) -> float:
        """Return for how many seconds lines that came now wait."""
        if self._sent_at is None:
            self._sent_at = now
        return max(_TOGETHER, self._sent_at + _APART - now)

    def sent(self, now: float) -> None:
        """Note that lines were sent."""
        self._sent_at = now
