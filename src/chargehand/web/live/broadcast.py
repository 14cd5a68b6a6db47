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

_MAX_WAITING_EVENTS = 50_000
"""Maximum number of events waiting for the visibility check in the store."""


class LiveEvents:
    """Delivers the bus's events to the clients whose patterns match.

    Listens to the bus only while it has clients. Clients with equal visibility form one audience:
    a resource is encoded once for all of them, and not at all if no client subscribed to it.
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
        audience.wants.add(client, pattern)
        if self._subscription is None:
            self._subscription = self._bus.subscribe(self._tell, *EVENT_TYPES)

    def remove(self, client: Client, pattern: Key) -> bool:
        """Unsubscribe the client; returns whether it was subscribed."""
        if pattern not in client.patterns:
            return False
        client.patterns.remove(pattern)
        self.allowance.unsubscribe()
        audience = self._audiences[client.sees]
        audience.wants.remove(client, pattern)
        if not audience.wants:
            audience.close()
            del self._audiences[client.sees]
        if not self._audiences and self._subscription is not None:
            self._subscription.cancel()
            self._subscription = None
        return True

    def forget(self, client: Client) -> None:
        """Remove all subscriptions of a disconnected client."""
        for pattern in tuple(client.patterns):
            self.remove(client, pattern)
        client.close()

    async def close(self) -> None:
        """Stop delivering events."""
        await self._tasks.close()

    def _gathered(self, sees: Visibility) -> _Audience:
        if sees.is_everything:
            return _Audience()
        return _LimitedAudience(sees, self._events, self._tasks)

    def _tell(self, event: Event) -> None:
        keys: tuple[Key, ...] = ()
        resource: Resource | None = None
        for audience in self._audiences.values():
            if audience.wants.want(type(event)):
                keys = keys or keys_of(event)
                if audience.listens_to(keys):
                    resource = resource_of(event) if resource is None else resource
                    audience.tell((keys, resource))


class _Audience:
    """Clients with full visibility."""

    def __init__(self) -> None:
        self.wants = Subscriptions()

    def listens_to(self, keys: tuple[Key, ...]) -> bool:
        """Return whether a client is subscribed to any of these keys."""
        return any(map(self.wants.listeners, keys))

    def tell(self, told: Announcement) -> None:
        """Send an event to the subscribed clients."""
        keys, resource = told
        body = b""
        for key in keys:
            frames: dict[Frame, bytes] = {}
            for client in self.wants.listeners(key):
                body = body or body_without_passwords(_encoder.encode(resource))
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

    def tell(self, told: Announcement) -> None:
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
                    super().tell(told)
        finally:
            self._give_up()  # If the store failed, silence would look as if nothing had happened.

    def _give_up(self) -> None:
        self._waiting.clear()
        for client in self.wants.clients():
            client.give_up()
