"""The event bus: delivers events in commit order, without blocking."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from chargehand.events.messages import Event
from chargehand.kit.guard import Guard, guarded

_log = logging.getLogger(__name__)

Handler = Callable[[Any], None]


class Subscription:
    """A subscription; ``cancel`` ends it."""

    __slots__ = ("_bus", "handler", "types")

    def __init__(self, bus: Bus, handler: Handler, types: tuple[type[Event], ...]) -> None:
        self._bus = bus
        self.handler = handler
        self.types = types

    def cancel(self) -> None:
        """End the subscription; has no effect if it has ended."""
        self._bus.forget(self)


class Bus:
    """Delivers each event to the subscribers of its type, immediately, in the loop's thread.

    Handlers are plain functions and must be fast: they record the event and wake a task. Exceptions
    in a handler are logged and do not affect other handlers.
    """

    def __init__(self) -> None:
        self._subscriptions: dict[type[Event], list[Subscription]] = defaultdict(list)
        self._guards: dict[type[Event], Guard] = {}

    def subscribe(self, handler: Handler, *types: type[Event]) -> Subscription:
        """Call *handler* with each event of one of the *types*."""
        subscription = Subscription(self, handler, types)
        for kind in types:
            self._subscriptions[kind].append(subscription)
            if kind not in self._guards:
                words = "an event handler failed on %s"
                self._guards[kind] = guarded(_log, words, kind.__name__)
        return subscription

    def forget(self, subscription: Subscription) -> None:
        """End a subscription."""
        for kind in subscription.types:
            if subscription in self._subscriptions[kind]:
                self._subscriptions[kind] = [
                    other for other in self._subscriptions[kind] if other is not subscription
                ]

    def has_listeners(self, kind: type[Event]) -> bool:
        """Return whether this type has subscribers."""
        return bool(self._subscriptions[kind])

    def publish(self, events: Iterable[Event]) -> None:
        """Deliver *events* in order. Call in the loop's thread."""
        for event in events:
            kind = type(event)
            if not (subscriptions := self._subscriptions[kind]):
                continue
            guard = self._guards[kind]
            for subscription in subscriptions:
                guard.call(subscription.handler, event)
            guard.failure = None  # It has been logged, and its frames are not to be kept.
