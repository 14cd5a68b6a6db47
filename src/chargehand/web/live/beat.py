"""When live connections are written to: at once after a silence, else at common intervals."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

_LONGEST = 0.1
_SECONDS_EACH = 0.0025
"""How long the interval is for each connection that is written to."""
PAGES_SECONDS = 0.05
"""How long it is at least for pages: they draw a few times a second."""


class Beat:
    """Wakes those who have something to send.

    The first event after a silence is sent at once. What follows is sent together, after 2.5
    milliseconds for each connection, 100 at most: a write costs as much for one event as for
    twenty, so the more connections there are, the rarer it should be.

    Args:
        shortest: Seconds between two beats at least.
    """

    def __init__(self, shortest: float = 0.0) -> None:
        self._shortest = shortest
        self._waiting: list[Callable[[], object]] = []
        self._next = 0.0
        """The loop's time before which nobody is woken."""

    def wake(self, waker: Callable[[], object]) -> None:
        """Call *waker* once, at the next beat."""
        if not self._waiting:
            loop = asyncio.get_running_loop()
            loop.call_at(max(self._next, loop.time()), self._wake_all)
        self._waiting.append(waker)

    def _wake_all(self) -> None:
        woken, self._waiting = self._waiting, []
        pause = max(self._shortest, min(len(woken) * _SECONDS_EACH, _LONGEST))
        self._next = asyncio.get_running_loop().time() + pause
        for waker in woken:
            waker()
