"""Delivers live events to subscribed clients that may see them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

import msgspec

from chargehand.config.web_limits import WebLimits
from chargehand.events.bus import Bus, Subscription
from chargehand.events.messages import Event
from chargehand.kit.passwords import body_without_passwords
from chargehand.kit.tasks import Tasks
from chargehand.resources.announcements import (
    EVENT_TYPES,
    Announcement,
    Key,
    keys_of,
    resource_of,
)
from chargehand.resources.field import Resource
from chargehand.resources.visibility import Visibility
from chargehand.web.access.events import SeenEvents
from chargehand.web.live.client import Client, Frame
from chargehand.web.live.limits import LiveUsage
from chargehand.web.live.subscriptions import Subscriptions

_encoder = msgspec.json.Encoder()

Heard = tuple[Key, set[Client]]
"""A key of an announcement, with the clients that are subscribed to it."""

_MAX_WAITING_EVENTS = 50_000
"""Maximum number of events waiting for the visibility check in the store."""


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
        self._bus = bus
        self._events = events
        self._subscription: Subscription | None = None
        self._audiences: dict[Visibility, _Audience] = {}
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

    def remove(self, client: Client, pattern: Key) -> bool:
        """Unsubscribe the client; returns whether it was subscribed."""
        if pattern not in client.patterns:
            return False
        client.patterns.remove(pattern)
        self.allowance.unsubscribe()
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
        await self._tasks.close()

    def _listen(self) -> None:
        """Listen to the types of events that some client may want, and to no others."""
        audiences = self._audiences.values()
        wanted = [kind for kind in EVENT_TYPES if any(one.wants.want(kind) for one in audiences)]
        former, self._subscription = self._subscription, None
        if former is not None and list(former.types) == wanted:
            self._subscription = former
            return
        if wanted:
            self._subscription = self._bus.subscribe(self._tell, *wanted)
        if former is not None:
            former.cancel()

    def _gathered(self, sees: Visibility) -> _Audience:
        if sees.is_everything:
            return _Audience()
        return _LimitedAudience(sees, self._events, self._tasks)

    def _tell(self, event: Event) -> None:
        keys = keys_of(event)
        resource: Resource | None = None
        for audience in self._audiences.values():
            if heard := audience.heard(keys):
                resource = resource_of(event) if resource is None else resource
                audience.tell((keys, resource), heard)


class _Audience:
    """Clients with full visibility."""

    def __init__(self) -> None:
        self.wants = Subscriptions()

    def heard(self, keys: tuple[Key, ...]) -> list[Heard]:
        """Return those of the keys that clients are subscribed to, each with its clients."""
        return [(key, clients) for key in keys if (clients := self.wants.listeners(key))]

    def tell(self, told: Announcement, heard: list[Heard]) -> None:
        """Send an event to the clients that heard of it."""
        body = body_without_passwords(_encoder.encode(told[1]))
        for key, clients in heard:
            frames: dict[Frame, bytes] = {}
            for client in clients:
                if (data := frames.get(client.frame)) is None:
                    data = frames[client.frame] = client.frame(key, body)
                client.push(data)

    def close(self) -> None:
        """Stop: the last client unsubscribed."""


class _LimitedAudience(_Audience):
    """Clients with the same restricted visibility."""

    def __init__(self, sees: Visibility, events: SeenEvents, tasks: Tasks) -> None:
        super().__init__()
        self._sees = sees
        self._events = events
        self._waiting: deque[Announcement] = deque()
        self._news = asyncio.Event()
        self._task = tasks.spawn(self._hand_out(), name="filtered live events")

    def tell(self, told: Announcement, heard: list[Heard]) -> None:
        """Send an event to the subscribed clients, after the visibility check in the store."""
        if len(self._waiting) >= _MAX_WAITING_EVENTS:
            self._give_up()
            return
        self._waiting.append(told)
        self._news.set()

    def close(self) -> None:
        """Stop: the last client unsubscribed."""
        self._task.cancel()

    async def _hand_out(self) -> None:
        try:
            while True:
                await self._news.wait()
                self._news.clear()
                batch = tuple(self._waiting)
                self._waiting.clear()
                for told in await self._events.of(self._sees, batch):
                    if heard := self.heard(told[0]):
                        super().tell(told, heard)
        finally:
            self._give_up()  # If the store failed, silence would look as if nothing had happened.

    def _give_up(self) -> None:
        self._waiting.clear()
        for client in self.wants.clients():
            client.give_up()
