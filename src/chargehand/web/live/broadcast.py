"""Delivers live events to subscribed clients that may see them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

import msgspec

from chargehand.config.web_limits import WebLimits
from chargehand.events.bus import Bus, Subscription
from chargehand.events.messages import Event
from chargehand.kit.tasks import Tasks
from chargehand.resources.announcements import EVENT_TYPES, Key, keys_of
from chargehand.resources.visibility import Visibility
from chargehand.web.access.events import SeenEvents
from chargehand.web.live.beat import PAGES_SECONDS, Beat
from chargehand.web.live.client import Client, Format
from chargehand.web.live.history import EventHistory
from chargehand.web.live.limits import LiveUsage
from chargehand.web.live.positions import Position, Positions
from chargehand.web.live.subscriptions import Subscriptions
from chargehand.web.live.told import Told

Heard = tuple[Key, set[Client]]
"""A key of an announcement, with the clients that are subscribed to it."""

_MAX_WAITING_EVENTS = 50_000
"""Maximum number of events waiting for the visibility check in the store."""
_EXPIRY_INTERVAL = 30.0


class Resumed(msgspec.Struct, frozen=True):
    """The answer to a client that says what it received last."""

    last_event_id: str
    """Where the client is: where it says that it was, if what it missed follows, and else now."""
    is_complete: bool
    """Whether everything that it missed is still known."""
    missed: list[Told] = []
    """To be handed to `LiveEvents.replay` after the answer."""


class LiveEvents:
    """Delivers the bus's events to the clients whose patterns match.

    Listens to the bus for what its clients may want, and only while it has some. Clients with equal
    visibility form one audience: a resource is encoded once for all of them, and not at all if no
    client subscribed to it.
    """

    def __init__(
        self, *, bus: Bus, events: SeenEvents, limits: Callable[[], WebLimits] = WebLimits
    ) -> None:
        self.allowance = LiveUsage(limits)
        self.beat = Beat()
        self.pages_beat = Beat(PAGES_SECONDS)
        """For clients that ask for lists of events."""
        self._bus = bus
        self._events = events
        self._subscription: Subscription | None = None
        self._audiences: dict[Visibility, _Audience] = {}
        self._number = 0
        """The number of the last event."""
        self._positions = Positions()
        self._history = EventHistory(limits=limits, now=lambda: asyncio.get_running_loop().time())
        self._expiry: asyncio.TimerHandle | None = None
        self._tasks = Tasks("audiences of live events")

    def add(self, client: Client, pattern: Key) -> None:
        """Subscribe the client to *pattern*; ``*`` matches any one segment.

        Raises LimitExceeded.
        """
        if pattern in client.patterns:
            return
        self.allowance.subscribe(len(client.patterns))
        client.patterns.add(pattern)
        audience = self._audiences.get(client.sees)
        if audience is None:
            audience = self._audiences[client.sees] = self._gathered(client.sees)
        if audience.wants.add(client, pattern):
            self._listen()

    def resume(self, client: Client, pattern: Key, last_event_id: str) -> Resumed:
        """Subscribe a client whose events get identifiers, from what it received last on.

        An empty identifier is a beginning. Hand what it missed to `replay`. Raises LimitExceeded.
        """
        since = self._positions.opened(last_event_id) if last_event_id else None
        missed = None if since is None else self._history.missed(pattern, since)
        self.add(client, pattern)
        client.has_ids = True
        if pattern not in client.followed:
            client.followed.add(pattern)
            self._history.follow(pattern, self._number)
            self._listen()
        if missed is not None:
            # Other patterns of the client may have missed something since: only events take it on.
            return Resumed(last_event_id, is_complete=True, missed=missed)
        number = self._audiences[client.sees].told_until(self._number)
        now = self._positions.sealed(Position.after(number))
        return Resumed(now, is_complete=not last_event_id)

    def replay(self, client: Client, missed: list[Told]) -> None:
        """Send a subscribed client what it missed, before anything that is new."""
        if missed:
            self._audiences[client.sees].replay(client, missed)

    def remove(self, client: Client, pattern: Key) -> bool:
        """Unsubscribe the client; returns whether it was subscribed."""
        if pattern not in client.patterns:
            return False
        client.patterns.remove(pattern)
        self.allowance.unsubscribe()
        if pattern in client.followed:
            client.followed.remove(pattern)
            self._history.leave(pattern)
            self._expire_later()
        audience = self._audiences[client.sees]
        is_other = audience.wants.remove(client, pattern)
        if not audience.wants:
            audience.close()
            del self._audiences[client.sees]
        if is_other:
            self._listen()
        return True

    def forget(self, client: Client) -> None:
        """Remove all subscriptions of a disconnected client."""
        for pattern in tuple(client.patterns):
            self.remove(client, pattern)
        client.close()

    async def close(self) -> None:
        """Stop delivering events."""
        if self._expiry is not None:
            self._expiry.cancel()
        await self._tasks.close()

    def _listen(self) -> None:
        """Listen to the types of events that some client may want, and to no others."""
        audiences = self._audiences.values()
        wanted = [
            kind
            for kind in EVENT_TYPES
            if self._history.wants(kind) or any(one.wants.want(kind) for one in audiences)
        ]
        former, self._subscription = self._subscription, None
        if former is not None and list(former.types) == wanted:
            self._subscription = former
            return
        if wanted:
            self._subscription = self._bus.subscribe(self._tell, *wanted)
        if former is not None:
            former.cancel()

    def _expire_later(self) -> None:
        if self._expiry is None:
            loop = asyncio.get_running_loop()
            self._expiry = loop.call_later(_EXPIRY_INTERVAL, self._expire)

    def _expire(self) -> None:
        self._expiry = None
        if self._history.expire():
            self._listen()
        if self._history:
            self._expire_later()

    def _gathered(self, sees: Visibility) -> _Audience:
        if sees.is_everything:
            return _Audience(self._positions)
        return _LimitedAudience(self._positions, sees, self._events, self._tasks)

    def _tell(self, event: Event) -> None:
        self._number += 1
        keys = keys_of(event)
        told: Told | None = None
        if self._history and self._history.is_wanted(keys):
            told = Told(self._number, keys, event=event)
            self._history.keep(told)
        for audience in self._audiences.values():
            if heard := audience.heard(keys):
                told = told or Told(self._number, keys, event=event)
                audience.tell(told, heard)


class _Audience:
    """Clients with full visibility."""

    def __init__(self, positions: Positions) -> None:
        self.wants: Subscriptions[Client] = Subscriptions()
        self._positions = positions

    def heard(self, keys: tuple[Key, ...]) -> list[Heard]:
        """Return those of the keys that clients are subscribed to, each with its clients."""
        return [(key, clients) for key in keys if (clients := self.wants.listeners(key))]

    def told_until(self, number: int) -> int:
        """Return the last event that was sent, where *number* is that of the last of all."""
        return number

    def tell(self, told: Told, heard: list[Heard]) -> None:
        """Send an event to the clients that heard of it."""
        body = told.body
        for key, clients in heard:
            made: dict[tuple[Format, bool], bytes] = {}
            identifier = ""
            for client in clients:
                kind = client.kind
                if (data := made.get(kind)) is None:
                    if client.has_ids:
                        identifier = identifier or self._identifier(told, key)
                    data = client.sent_as.told(key, body, identifier if client.has_ids else "")
                    made[kind] = data
                client.push(data)

    def _identifier(self, told: Told, key: Key) -> str:
        return self._positions.sealed(Position(told.number, told.keys.index(key)))

    def replay(self, client: Client, missed: list[Told]) -> None:
        """Send one client what it missed."""
        for told in missed:
            heard = [
                (key, {client})
                for place, key in enumerate(told.keys)
                if key and place not in told.skipped
            ]
            _Audience.tell(self, told, heard)

    def close(self) -> None:
        """Stop: the last client unsubscribed."""


class _LimitedAudience(_Audience):
    """Clients with the same restricted visibility."""

    def __init__(
        self, positions: Positions, sees: Visibility, events: SeenEvents, tasks: Tasks
    ) -> None:
        super().__init__(positions)
        self._sees = sees
        self._events = events
        self._waiting: deque[tuple[Told, Client | None]] = deque()
        """Events, some of them for one client only, that missed them."""
        self._looked_at: tuple[tuple[Told, Client | None], ...] = ()
        self._news = asyncio.Event()
        self._task = tasks.spawn(self._hand_out(), name="filtered live events")

    def told_until(self, number: int) -> int:
        """Return the last event before those that still wait for the check."""
        for waiting in (self._looked_at, self._waiting):
            for told, _ in waiting:
                number = min(number, told.number - 1)
        return number

    def tell(self, told: Told, heard: list[Heard]) -> None:
        """Send an event to the subscribed clients, after the visibility check in the store."""
        if len(self._waiting) >= _MAX_WAITING_EVENTS:
            self._give_up()
            return
        self._waiting.append((told, None))
        self._news.set()

    def replay(self, client: Client, missed: list[Told]) -> None:
        """Send one client what it missed, as far as it may see it."""
        self._waiting.extend((told, client) for told in missed)
        self._news.set()

    def close(self) -> None:
        """Stop: the last client unsubscribed."""
        self._task.cancel()

    async def _hand_out(self) -> None:
        try:
            while True:
                await self._news.wait()
                self._news.clear()
                batch = self._looked_at = tuple(self._waiting)
                self._waiting.clear()
                seen = await self._events.of(self._sees, [told.announcement for told, _ in batch])
                for (told, client), left in zip(batch, seen, strict=True):
                    if left is not None:
                        self._pass_on(told.masked(left), client)
                self._looked_at = ()
        finally:
            self._give_up()  # If the store failed, silence would look as if nothing had happened.

    def _pass_on(self, told: Told, client: Client | None) -> None:
        if client is not None:
            super().replay(client, [told])
        elif heard := self.heard(told.keys):
            super().tell(told, heard)

    def _give_up(self) -> None:
        self._waiting.clear()
        for client in self.wants.clients():
            client.give_up()
