"""A time limit that also works in a task that cleans up after it was cancelled.

Before Python 3.11.4 (Debian 12 has 3.11.2), `asyncio.timeout` raises CancelledError instead of
TimeoutError there, so that code for the timeout does not run.
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

_READING_SECONDS = 1.0
"""A limit that expires later than this was held up: the process was stopped, or its machine stood
still. What came in that time gets as much to be read, once."""


class TimeLimit:
    """Cancels the body when the time is up, and raises TimeoutError instead.

    With None for *seconds* the time starts with `expire_in`.
    """

    def __init__(self, seconds: float | None = None) -> None:
        self._seconds = seconds
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[object] | None = None
        self._due = 0.0
        self._is_extended = False
        self.is_over = False

    async def __aenter__(self) -> Self:
        self._task = asyncio.current_task()
        assert self._task is not None, "a time limit needs a task"
        self._cancellations = self._task.cancelling()
        if self._seconds is not None:
            self.expire_in(self._seconds)
        return self

    def expire_in(self, seconds: float) -> None:
        """Let the time expire in *seconds* from now, replacing any earlier limit."""
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            loop = asyncio.get_running_loop()
            self._due = loop.time() + seconds
            self._is_extended = False
            self._timer = loop.call_later(seconds, self._expire)

    def _expire(self) -> None:
        is_late = asyncio.get_running_loop().time() - self._due > _READING_SECONDS
        if is_late and not self._is_extended:
            self.expire_in(_READING_SECONDS)
            self._is_extended = True
        elif self._task is not None:
            self.is_over = True
            self._task.cancel()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        task, self._task = self._task, None
        if self._timer is not None:
            self._timer.cancel()
        if not self.is_over or task is None:
            return
        is_ours = task.uncancel() <= self._cancellations
        if is_ours and isinstance(error, asyncio.CancelledError):
            raise TimeoutError from None


def time_limit(seconds: float) -> TimeLimit:
    """Cancel the body after *seconds*, and raise TimeoutError instead."""
    return TimeLimit(seconds)
