"""Who asks much gives way to builds while the master has much to do."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

_SHARE = 0.25
"""What part of the time a client may keep a busy master at work."""
_BURST_SECONDS = 2.0
"""So much work at a time is free: a person opens pages and reads them."""
_MOST_SECONDS = 5.0
_LONGEST_REST = 0.5
_LOOK_SECONDS = 0.5
_BUSY = 0.6
"""From this share of a processor on builds feel each question."""


class Recent:
    """For how long the master worked on a client's requests lately."""

    __slots__ = ("_at", "_seconds")

    def __init__(self) -> None:
        self._seconds = 0.0
        self._at = 0.0

    def add(self, seconds: float, now: float) -> None:
        """Count work."""
        self._seconds = min(_MOST_SECONDS, self._left(now) + seconds)
        self._at = now

    def rest(self, now: float) -> float:
        """Return for how many seconds the client's next request lets others go first."""
        over = self._left(now) - _BURST_SECONDS
        return min(_LONGEST_REST, over / _SHARE) if over > 0 else 0.0

    def _left(self, now: float) -> float:
        return max(0.0, self._seconds - (now - self._at) * _SHARE)


class Load:
    """How busy the loop's thread is. It is looked at when somebody asks, and no timer runs."""

    def __init__(
        self,
        *,
        now: Callable[[], float] = time.monotonic,
        worked: Callable[[], float] = time.thread_time,
    ) -> None:
        self._now = now
        self._worked = worked
        self._at = now()
        self._before = worked()
        self._is_high = False

    @property
    def is_high(self) -> bool:
        """Whether the thread has been busy for most of the time lately."""
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
