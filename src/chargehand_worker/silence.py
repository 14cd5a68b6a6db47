"""How long nothing has been heard of a peer, while this process could have heard it."""

from __future__ import annotations

import asyncio
from typing import Optional

_READING_SECONDS = 1.0
"""A look that comes later than this was held up, and gives what arrived meanwhile as much to be
read: a process that is continued acts on its timers before it reads (Linux interrupts its wait for
events, which then seems to have brought none)."""


class Silence:
    """Time in which this process was stopped, or its whole machine stood still, does not count.

    It notices by its own looks, which come too late then: ask `seconds` at each of them, and say
    with `look_in` when the next is due.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._heard_at = loop.time()
        self._due: Optional[float] = None

    def end(self) -> None:
        """Note that something was heard."""
        self._heard_at = self._loop.time()

    def look_in(self, seconds: float) -> None:
        """Note when `seconds` is asked next."""
        self._due = self._loop.time() + seconds

    def seconds(self) -> float:
        """Return how long nothing was heard."""
        now, due = self._loop.time(), self._due
        self._due = None
        if due is not None and now - due > _READING_SECONDS:
            self._heard_at = min(self._heard_at + now - due + _READING_SECONDS, now)
        return now - self._heard_at
