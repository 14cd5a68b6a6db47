"""Subscriptions to live events: clients and their key patterns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

import msgspec

from chargehand.events.messages import Event
from chargehand.resources.announcements import Key, beginnings, verbs

T = TypeVar("T")
C = TypeVar("C", bound=Hashable)


class _Node(msgspec.Struct, Generic[C]):
    children: dict[str, _Node[C]] = msgspec.field(default_factory=dict)
    clients: set[C] = msgspec.field(default_factory=set)


class Subscriptions(Generic[C]):
    """Finds the clients whose patterns match; ``*`` in a pattern matches any one segment."""

    def __init__(self) -> None:
        self._root: _Node[C] = _Node()
        self._outlines: Counter[tuple[str, str]] = Counter()
        """The first and last segments of the patterns."""
        self._wanted: dict[type[Event], bool] = {}
        """Cached results of `want`."""
        self._clients: Counter[C] = Counter()

    def __bool__(self) -> bool:
        return bool(self._outlines)

    def add(self, client: C, pattern: Key) -> bool:
        """Add a new subscription of a client; return whether `want` may have changed."""
        outline = _outline(pattern)
        self._outlines[outline] += 1
        is_other = self._outlines[outline] == 1
        if is_other:
            self._wanted.clear()
        self._clients[client] += 1
        node = self._root
        for segment in pattern:
            node = node.children.setdefault(segment, _Node())
        node.clients.add(client)
        return is_other

    def remove(self, client: C, pattern: Key) -> bool:
        """Remove an existing subscription of a client; return whether `want` may have changed."""
        outline = _outline(pattern)
        _decrease(self._outlines, outline)
        is_other = outline not in self._outlines
        if is_other:
            self._wanted.clear()
        _decrease(self._clients, client)
        _prune(self._root, pattern, 0, client)
        return is_other

    def want(self, event_type: type[Event]) -> bool:
        """Return whether any client may match events of this type."""
        wanted = self._wanted.get(event_type)
        if wanted is None:
            begin, end = beginnings(event_type), verbs(event_type)
            wanted = self._wanted[event_type] = any(
                first in {"*", *begin} and last in {"*", *end} for first, last in self._outlines
            )
        return wanted

    def listeners(self, key: Key) -> set[C]:
        """Return the clients that match this key."""
        nodes = [self._root]
        for segment in key:
            below = []
            for node in nodes:
                if (child := node.children.get(segment)) is not None:
                    below.append(child)
                if (child := node.children.get("*")) is not None:
                    below.append(child)
            if not below:
                return set()
            nodes = below
        return set().union(*[node.clients for node in nodes])

    def clients(self) -> Iterator[C]:
        """Return all clients with subscriptions."""
        return iter(tuple(self._clients))


def _outline(pattern: Key) -> tuple[str, str]:
    return pattern[0], pattern[-1]


def _decrease(counter: Counter[T], name: T) -> None:
    counter[name] -= 1
    if not counter[name]:
        del counter[name]


def _prune(node: _Node[C], pattern: Key, index: int, client: C) -> None:
    if index == len(pattern):
        node.clients.discard(client)
        return
    child = node.children[pattern[index]]
    _prune(child, pattern, index + 1, client)
    if not child.children and not child.clients:
        del node.children[pattern[index]]
