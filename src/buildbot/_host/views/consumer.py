"""A subscription of users' code to events, and what becomes of events that it is too slow for."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

from buildbot._border.bridge import answered_within, settled
from chargehand.kit.counted import counted
from chargehand.kit.guard import guarded

_log = logging.getLogger(__name__)

Key = tuple[str, ...]

_CONSUMER_SECONDS = 600.0
"""How long a consumer may take for one message: those behind it wait."""

BEHIND = 1_000
"""How many messages wait for a consumer that is called slow."""
MOST_WAITING = 20_000
"""How many messages wait for a consumer at most: those beyond are lost to it."""

_UPDATES = frozenset({"append", "state_updated", "update", "updated"})
"""The last segments of keys whose messages replace the one before."""


def fits(pattern: Sequence[str | None], key: Key) -> bool:
    """Return whether each part of the key is as the pattern has it; None is anything."""
    return len(pattern) == len(key) and all(
        wanted is None or wanted == part for wanted, part in zip(pattern, key, strict=True)
    )


class Consumer:
    """A subscription; `stopConsuming` ends it. Its callback is called for one event at a time.

    Messages wait for a callback that takes its time. From `BEHIND` of them on, an update replaces
    one of the same object that still waits: each message has the whole state.
    """

    def __init__(self, callback: Callable[..., Any], *patterns: Sequence[Any]) -> None:
        self._callback = callback
        self.patterns = tuple(
            tuple(None if part is None else str(part) for part in pattern) for pattern in patterns
        )
        self._numbers = count()
        self._waiting: OrderedDict[int, tuple[Key, Any]] = OrderedDict()
        self._updates: dict[Key, int] = {}
        self._news = asyncio.Event()
        self._ended = False
        self._is_behind = False
        self._lost = 0
        self.ending: Callable[[], None] = lambda: None

    def wants(self, key: Key) -> bool:
        """Return whether messages with this key are for it."""
        return not self._ended and any(fits(pattern, key) for pattern in self.patterns)

    @property
    def described(self) -> str:
        """The events that it wants."""
        return ", ".join(".".join(part or "*" for part in pattern) for pattern in self.patterns)

    def offer(self, key: Key, message: Any) -> None:
        """Queue a message; it must be one that it wants."""
        if key[-1] in _UPDATES:
            message = self._replacing(key, message)
        if len(self._waiting) >= MOST_WAITING:
            self._lose()
            return
        number = next(self._numbers)
        self._waiting[number] = (key, message)
        if key[-1] in _UPDATES:
            self._updates[key] = number
        if len(self._waiting) >= BEHIND:
            self._fall_behind()
        self._news.set()

    async def deliver(self) -> None:
        """Call the user's function for everything that comes."""
        while not self._ended:
            await self._news.wait()
            self._news.clear()
            while self._waiting:
                number, (key, message) = self._waiting.popitem(last=False)
                if self._updates.get(key) == number:
                    del self._updates[key]
                with guarded(_log, "a consumer of %s failed on %s", self.described, key):
                    await answered_within(
                        _CONSUMER_SECONDS, "the consumer", self._callback, key, message
                    )
            self._catch_up()

    def stopConsuming(self) -> Any:
        """End the subscription."""
        self._ended = True
        self._waiting.clear()
        self.ending()
        return settled(None)

    def _replacing(self, key: Key, message: Any) -> Any:
        """Return the message that says all that *message* and an older one of its object say."""
        older = self._updates.get(key)
        if older is None or not self._is_behind:
            return message
        _, before = self._waiting.pop(older)
        # Those of properties have only what has changed.
        return {**before, **message} if key[-2:] == ("properties", "update") else message

    def _fall_behind(self) -> None:
        if not self._is_behind:
            self._is_behind = True
            _log.warning(
                "%s is slow: %d events %s are waiting for it; until it has caught up, it gets only "
                "the newest update of each object",
                self._described(),
                len(self._waiting),
                self.described,
            )

    def _lose(self) -> None:
        self._lost += 1
        if self._lost == 1:
            _log.error(
                "%s is too slow: %d events are waiting for it; it misses those that happen until "
                "it has caught up. Let it return sooner, or subscribe to fewer events",
                self._described(),
                len(self._waiting),
            )

    def _catch_up(self) -> None:
        if self._lost:
            missed = counted(self._lost, "event")
            _log.error("%s has caught up; it missed %s", self._described(), missed)
        elif self._is_behind:
            _log.info("%s has caught up; it missed nothing", self._described())
        self._is_behind = False
        self._lost = 0

    def _described(self) -> str:
        function = self._callback
        name = getattr(function, "__qualname__", None) or repr(function)
        return f"the consumer {getattr(function, '__module__', '')}.{name}"
