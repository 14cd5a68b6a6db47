"""Calls to users' code that end soon when the caller is stopped."""

from __future__ import annotations

from collections.abc import Awaitable
from types import CoroutineType
from typing import TypeVar

from chargehand.kit.asking import AnswerTimeout
from chargehand.kit.begun import Rest
from chargehand.kit.limits import TimeLimit

_T = TypeVar("_T")

_AFTER_STOP = 5.0
"""Seconds that short calls, such as a summary, may still take."""


class Patience:
    """Awaits users' code, one call at a time; `stop` limits the remaining time."""

    def __init__(self) -> None:
        self._is_over = False
        self._asking: tuple[TimeLimit, float] | None = None

    def stop(self) -> None:
        """Stop waiting."""
        self._is_over = True
        if self._asking is not None:
            limit, then = self._asking
            limit.expire_in(then)

    async def answer(self, name: str, work: Awaitable[_T], *, then: float = _AFTER_STOP) -> _T:
        """Await *work*; after `stop`, for *then* seconds at most. Raises AnswerTimeout."""
        if not isinstance(work, CoroutineType):
            return await self._waited(name, work, then)
        try:
            first = work.send(None)
        except StopIteration as finished:  # Most answers need no waiting, and so no limit.
            value: _T = finished.value
            return value
        return await self._waited(name, Rest(work, first), then)

    async def _waited(self, name: str, work: Awaitable[_T], then: float) -> _T:
        limit = TimeLimit(then if self._is_over else None)
        try:
            async with limit:
                self._asking = limit, then
                return await work
        except TimeoutError:
            if not limit.is_over:
                raise
            message = f"{name} did not return within {then:g} s after it was told to stop"
            raise AnswerTimeout(message) from None
        finally:
            self._asking = None
