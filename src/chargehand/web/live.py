"""Live events: who wants which, and handing them out."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec
from aiohttp import web

from chargehand.events.bus import Bus, Subscription
from chargehand.events.messages import Event
from chargehand.resources.announcements import EVENT_TYPES, Key, announcement, beginnings

_log = logging.getLogger(__name__)
_encoder = msgspec.json.Encoder()

MAX_WAITING_BYTES = 16 * 1024 * 1024
"""What may wait for one client; one that is slower loses its connection."""

MAX_PATTERNS = 50_000
"""How many subscriptions one client may have."""

Frame = Callable[[Key, bytes], bytes]
"""Makes what is sent of a key and an encoded resource."""


class Client:
    """One live connection: its patterns, and a bounded queue of what it has yet to be sent."""

    def __init__(
        self,
        *,
        name: str,
        frame: Frame,
        abort: Callable[[], None],
        max_waiting: int = MAX_WAITING_BYTES,
    ) -> None:
        self.name = name
        self.frame = frame
        self._abort = abort
        self.patterns: set[Key] = set()
        self.is_too_slow = False
        self._max_waiting = max_waiting
        self._waiting: deque[bytes] = deque()
        self._size = 0
        self._news = asyncio.Event()

    def push(self, data: bytes) -> None:
        """Queue *data*; a client that is too slow is given up with a line in the log."""
        if self.is_too_slow:
            return
        if self._size + len(data) > self._max_waiting:
            self.is_too_slow = True
            self._waiting.clear()
            _log.warning("%s does not keep up with its live events; closing it", self.name)
            # Whoever sends is stuck in a full buffer: only the connection's end wakes him.
            self._abort()
        else:
            self._waiting.append(data)
            self._size += len(data)
        self._news.set()

    async def next(self) -> bytes | None:
        """Return what is to be sent next, None when the client was given up."""
        while not self._waiting:
            if self.is_too_slow:
                return None
            self._news.clear()
            await self._news.wait()
        data = self._waiting.popleft()
        self._size -= len(data)
        return data


@dataclass(slots=True)
class _Node:
    children: dict[str, _Node] = field(default_factory=dict)
    clients: set[Client] = field(default_factory=set)


class LiveEvents:
    """Hands the bus's events to the clients whose patterns match.

    It listens to the bus only while somebody listens to it; a resource is encoded once for all
    clients, and not at all when nobody wants it.
    """

    def __init__(self, *, bus: Bus) -> None:
        self._bus = bus
        self._subscription: Subscription | None = None
        self._root = _Node()
        self._beginnings: Counter[str] = Counter()

    def add(self, client: Client, pattern: Key) -> None:
        """Send the client what matches *pattern*; ``*`` stands for any one segment."""
        if pattern in client.patterns:
            return
        client.patterns.add(pattern)
        self._beginnings[pattern[0]] += 1
        node = self._root
        for segment in pattern:
            node = node.children.setdefault(segment, _Node())
        node.clients.add(client)
        if self._subscription is None:
            self._subscription = self._bus.subscribe(self._tell, *EVENT_TYPES)

    def remove(self, client: Client, pattern: Key) -> bool:
        """Send it no more; returns whether it had been subscribed."""
        if pattern not in client.patterns:
            return False
        client.patterns.remove(pattern)
        self._beginnings[pattern[0]] -= 1
        if not self._beginnings[pattern[0]]:
            del self._beginnings[pattern[0]]
        _prune(self._root, pattern, 0, client)
        if not self._beginnings and self._subscription is not None:
            self._subscription.cancel()
            self._subscription = None
        return True

    def forget(self, client: Client) -> None:
        """End all subscriptions of a client."""
        for pattern in tuple(client.patterns):
            self.remove(client, pattern)

    def _tell(self, event: Event) -> None:
        wanted = self._beginnings
        if "*" not in wanted and beginnings(type(event)).isdisjoint(wanted):
            return
        keys, resource = announcement(event)
        body = b""
        for key in keys:
            listeners: set[Client] = set()
            _collect(self._root, key, 0, listeners)
            frames: dict[Frame, bytes] = {}
            for client in listeners:
                body = body or _encoder.encode(resource)
                if (data := frames.get(client.frame)) is None:
                    data = frames[client.frame] = client.frame(key, body)
                client.push(data)


def abort(request: web.BaseRequest) -> None:
    """Break a request's connection at once, whatever is on its way."""
    if request.transport is not None:
        request.transport.abort()


def _collect(node: _Node, key: Key, index: int, found: set[Client]) -> None:
    if index == len(key):
        found |= node.clients
        return
    for segment in (key[index], "*"):
        if (child := node.children.get(segment)) is not None:
            _collect(child, key, index + 1, found)


def _prune(node: _Node, pattern: Key, index: int, client: Client) -> None:
    if index == len(pattern):
        node.clients.discard(client)
        return
    child = node.children[pattern[index]]
    _prune(child, pattern, index + 1, client)
    if not child.children and not child.clients:
        del node.children[pattern[index]]
