"""Who asks much gives way to builds while the master has much to do."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

_SHARE = 0.25
"""What part of the time a client may keep a busy master at work."""
_BURST_SECONDS = 1.0
"""So much work at a time is free: a person opens pages and reads them."""
_MOST_SECONDS = 4.0
_LONGEST_REST = 3.0
_LOOK_SECONDS = 0.5
_BUSY = 0.6
"""From this share of a processor on builds feel each question."""
_FIRST_GUESS = 0.01


class Recent:
    """For how long the master worked on a client's requests lately, and may soon."""

    __slots__ = ("_at", "_expected", "_seconds", "_usual")

    def __init__(self) -> None:
        self._seconds = 0.0
        self._at = 0.0
        self._usual = _FIRST_GUESS
        """What a request takes, mostly."""
        self._expected = 0.0
        """What is in `_seconds` for requests that have been let through and have not ended."""

    def add(self, seconds: float, now: float) -> None:
        """Count work, in the place of what was expected."""
        foreseen = min(self._expected, self._usual)
        self._expected -= foreseen
        self._usual += (seconds - self._usual) / 10
        self._note(seconds - foreseen, now)

    def rest(self, now: float) -> float:
        """Return for how many seconds the client's next request lets others go first.

        Each request that has to rest lets the ones after it rest longer: many connections at once
        get no more than one.
        """
        over = self._left(now) - _BURST_SECONDS
        if over <= 0:
            return 0.0
        self._expected += self._usual
        self._note(self._usual, now)
        return min(_LONGEST_REST, over / _SHARE)

    def _note(self, seconds: float, now: float) -> None:
        self._seconds = min(_MOST_SECONDS, max(0.0, self._left(now) + seconds))
        self._at = now
        self._expected = min(self._expected, self._seconds)

    def _left(self, now: float) -> float:
        return max(0.0, self._seconds - (now - self._at) * _SHARE)


class Load:
    """How busy the master is. It is looked at when somebody asks, and no timer runs.

    Its threads share the interpreter's lock: what a thread reads keeps the loop from working, too.
    """

    def __init__(
        self,
        *,
        now: Callable[[], float] = time.monotonic,
        worked: Callable[[], float] = time.process_time,
    ) -> None:
        self._now = now
        self._worked = worked
        self._at = now()
        self._before = worked()
        self._is_high = False

    @property
    def is_high(self) -> bool:
        """Whether it has worked for most of the time lately."""
        passed = self._now() - self._at
        if passed >= _LOOK_SECONDS:
            worked = self._worked()
            self._is_high = worked - self._before > _BUSY * passed
            self._at += passed
            self._before = worked
        return self._is_high


class Pace:
    """Lets requests of clients wait who lately asked for more than their share."""

    def __init__(
        self,
        *,
        load: Load | None = None,
        now: Callable[[], float] = time.monotonic,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._load = load or Load()
        self._now = now
        self._pause = pause

    async def give_way(self, recent: Recent) -> None:
        """Wait a little if the client has asked much and the master is busy."""
        if self._load.is_high and (rest := recent.rest(self._now())) > 0:
            await self._pause(rest)
