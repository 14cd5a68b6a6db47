"""What clients may have missed while their connections were interrupted."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterator

import msgspec

from chargehand.config.web_limits import WebLimits
from chargehand.events.messages import Event
from chargehand.resources.announcements import Key
from chargehand.web.live.positions import Position
from chargehand.web.live.subscriptions import Subscriptions
from chargehand.web.live.told import Told

_OVERHEAD = 400
"""Approximate memory of a kept event, besides its text."""


class _Followed(msgspec.Struct):
    """A pattern of clients that resume."""

    since: int
    """The number of the last event before."""
    clients: int = 0
    left_at: float = 0.0


class EventHistory:
    """Keeps recent events for clients that asked for identifiers, and for no others.

    What it keeps is what such clients listen to, or did so a short time ago: while nobody asks, it
    keeps nothing. The oldest events go first when there are too many bytes.
    """

    def __init__(self, *, limits: Callable[[], WebLimits], now: Callable[[], float]) -> None:
        self._limits = limits
        self._now = now
        self._wants: Subscriptions[str] = Subscriptions()
        self._followed: OrderedDict[Key, _Followed] = OrderedDict()
        """The patterns; those that nobody follows any more are at the front, the oldest first."""
        self._events: deque[tuple[float, int, Told]] = deque()
        self._bytes = 0
        self._forgotten = 0
        """The number of the last event that was kept and is no longer."""

    def __bool__(self) -> bool:
        return bool(self._followed)

    def wants(self, event_type: type[Event]) -> bool:
        """Return whether events of this type may be kept."""
        return self._wants.want(event_type)

    def follow(self, pattern: Key, number: int) -> None:
        """Keep what matches from now on; *number* is that of the last event so far."""
        followed = self._followed.get(pattern)
        if followed is None:
            followed = self._followed[pattern] = _Followed(since=number)
            self._wants.add(_NAME, pattern)
        followed.clients += 1
        self._followed.move_to_end(pattern)

    def leave(self, pattern: Key) -> None:
        """Keep what matches for a while only: a client that followed the pattern has gone."""
        followed = self._followed[pattern]
        followed.clients -= 1
        if not followed.clients:
            followed.left_at = self._now()
            self._followed.move_to_end(pattern)

    def is_wanted(self, keys: tuple[Key, ...]) -> bool:
        """Return whether a client that resumes may want an event with these keys."""
        return any(self._wants.listeners(key) for key in keys)

    def keep(self, told: Told) -> None:
        """Keep an event for a while."""
        kept = told.kept()
        size = len(kept.body) + _OVERHEAD
        self._events.append((self._now(), size, kept))
        self._bytes += size
        self._drop_old()

    def missed(self, pattern: Key, since: Position) -> list[Told] | None:
        """Return the events after *since* that match, or None if some are no longer kept."""
        self._drop_old()
        followed = self._followed.get(pattern)
        if followed is None or since.number < max(followed.since, self._forgotten):
            return None
        wanted: Subscriptions[str] = Subscriptions()
        wanted.add(_NAME, pattern)
        found = list(_after(self._events, since, wanted))
        # What would fill a client's queue is better fetched again.
        if 2 * sum(len(one.body) for one in found) > self._limits().live_bytes_per_connection:
            return None
        return found

    def expire(self) -> bool:
        """Forget patterns that nobody followed for long; return whether there were any."""
        limits = self._limits()
        before = len(self._followed)
        abandoned = [key for key, one in self._followed.items() if not one.clients]
        too_many = max(0, len(abandoned) - limits.subscriptions)
        oldest = self._now() - limits.history_seconds
        for place, pattern in enumerate(abandoned):
            if place < too_many or self._followed[pattern].left_at <= oldest:
                del self._followed[pattern]
                self._wants.remove(_NAME, pattern)
        self._drop_old()
        return len(self._followed) != before

    def _drop_old(self) -> None:
        limits = self._limits()
        oldest = self._now() - limits.history_seconds
        while self._events and (
            self._bytes > limits.history_bytes or self._events[0][0] < oldest or not self._followed
        ):
            _, size, told = self._events.popleft()
            self._bytes -= size
            self._forgotten = told.number


_NAME = "history"


def _after(
    events: deque[tuple[float, int, Told]], since: Position, wanted: Subscriptions[str]
) -> Iterator[Told]:
    for _, _, told in events:
        if told.number < since.number:
            continue
        skipped = frozenset(
            place
            for place, key in enumerate(told.keys)
            if (told.number, place) <= since or not wanted.listeners(key)
        )
        if len(skipped) < len(told.keys):
            yield Told(told.number, told.keys, body=told.body, skipped=skipped)
