"""What the store knows by a digest, remembered for a moment: no query for each request."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import msgspec

from chargehand.kit.clock import Clock

T = TypeVar("T")

_FRESH_SECONDS = 5.0
"""For so long a session that was ended elsewhere (by another master, by a command) still counts
here."""
_MOST_KEPT = 10_000


class Held(msgspec.Struct, Generic[T], frozen=True):
    """What was found, and until when it is believed."""

    value: T | None
    until: float


class Kept(Generic[T]):
    """Remembers what *find* returns, and that it returns nothing."""

    def __init__(self, find: Callable[[str], Awaitable[T | None]], clock: Clock) -> None:
        self._find = find
        self._clock = clock
        self._held: OrderedDict[str, Held[T]] = OrderedDict()

    def fresh(self, digest: str) -> Held[T] | None:
        """Return what is remembered; None if the store must be asked."""
        held = self._held.get(digest)
        return held if held is not None and self._clock.timestamp() < held.until else None

    async def get(self, digest: str, *, since: float = 0.0) -> T | None:
        """Ask the store, unless it is remembered, and was asked for *since* that moment."""
        held = self.fresh(digest)
        if held is not None and held.until - _FRESH_SECONDS >= since:
            return held.value
        value = await self._find(digest)
        self.put(digest, value)
        return value

    def put(self, digest: str, value: T | None) -> None:
        """Remember what is known of a digest."""
        self._held.pop(digest, None)
        self._held[digest] = Held(value, self._clock.timestamp() + _FRESH_SECONDS)
        while len(self._held) > _MOST_KEPT:
            self._held.popitem(last=False)

    def forget(self) -> None:
        """Ask the store again, for all."""
        self._held.clear()
