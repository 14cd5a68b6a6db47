"""Asking users' code: whoever is stopped waits no longer."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar

from chargehand.kit.asking import NoAnswer
from chargehand.kit.limits import TimeLimit

_T = TypeVar("_T")

_AFTER_STOP = 5.0
"""Seconds that a summary and the like may still take."""


class Patience:
    """Awaits answers of users' code, one at a time; `stop` ends the waiting soon."""

    def __init__(self) -> None:
        self._is_over = False
        self._asking: tuple[TimeLimit, float] | None = None

    def stop(self) -> None:
        """Wait no longer."""
        self._is_over = True
        if self._asking is not None:
            limit, then = self._asking
            limit.expire_in(then)

    async def answer(self, name: str, work: Awaitable[_T], *, then: float = _AFTER_STOP) -> _T:
        """Await *work*; once it is to stop, *then* seconds at most. Raises NoAnswer."""
        limit = TimeLimit(then if self._is_over else None)
        try:
            async with limit:
                self._asking = limit, then
                return await work
        except TimeoutError:
            if not limit.is_over:
                raise
            message = f"{name} did not answer within {then:g} s after the order to stop"
            raise NoAnswer(message) from None
        finally:
            self._asking = None
