"""``master.mq``: events for users' code, as routing keys and resources of the REST API."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from buildbot._border.bridge import answered, outward
from buildbot._border.times import epoch2datetime
from buildbot._host.views.consumer import Consumer, Key
from buildbot._host.views.engine_access import EngineAccess
from buildbot._host.views.order_keys import key_of, may_be_order, ordered_by
from chargehand.events.bus import Subscription
from chargehand.events.messages import Event, OrderGiven, WorkerMissing
from chargehand.kit.tasks import Tasks
from chargehand.resources.announcements import (
    beginnings,
    entity_of,
    keys_of,
    resource_of,
    verbs,
)

_log = logging.getLogger(__name__)


class MqView:
    """Subscribes users' functions to events, by patterns of keys with None for anything.

    It listens to the events only that somebody wants, and makes resources of those alone.
    """

    def __init__(self, access: EngineAccess) -> None:
        self._access = access
        self._tasks = Tasks("master.mq")
        self._consumers: list[Consumer] = []
        self._by_type: dict[type[Event], list[Consumer]] = defaultdict(list)
        self._subscriptions: dict[type[Event], Subscription] = {}

    def startConsuming(
        self,
        callback: Callable[[Key, Any], Any],
        filter: Sequence[str | None],
        persistent_name: str | None = None,
    ) -> Any:
        """Call ``callback(key, message)`` for what fits; returns a Deferred of the consumer."""
        return outward(self._start(callback, filter))

    async def consume(
        self, callback: Callable[[Key, Any], Any], patterns: Sequence[Sequence[str | None]]
    ) -> Consumer:
        """Call ``callback(key, message)`` for what fits one of the patterns, in the order in which
        it happens."""
        return await self._start(callback, *patterns)

    def waitUntilEvent(self, filter: Sequence[str | None], check_callback: Any) -> Any:
        """Return a Deferred of (key, message): the next that fits, unless *check_callback* (asked
        once, after listening has begun) says that there is nothing to wait for: then of None."""
        return outward(self._wait(filter, check_callback))

    def produce(self, routingKey: Sequence[str], data: Any) -> None:
        """Send a message to other consumers in this master.

        One with the key of an order (``control.builds.ID.stop``) gives the order, as
        `master.data.control` does.
        """
        key = tuple(map(str, routingKey))
        if (order := ordered_by(key)) is not None:
            self._tasks.spawn(self._order(*order, data), name=f"order {'.'.join(key)}")
            return
        for consumer in list(self._consumers):
            if consumer.wants(key):
                consumer.offer(key, data)

    async def _order(self, path: str, method: str, data: Any) -> None:
        parameters = dict(data) if isinstance(data, dict) else {}
        try:
            await self._access.engine.data.control(path, method, parameters)
        except ValueError as error:
            _log.warning("cannot %s %s as a message orders: %s", method, path, error)

    async def close(self) -> None:
        """Stop calling consumers."""
        await self._tasks.close(patience=2.0)

    async def _start(
        self, callback: Callable[..., Any], *patterns: Sequence[str | None]
    ) -> Consumer:
        consumer = Consumer(callback, *patterns)
        task = self._tasks.spawn(consumer.deliver(), name=f"consumer of {consumer.described}")
        self._add(consumer)

        def end() -> None:
            if consumer in self._consumers:
                self._remove(consumer)
                if task is not asyncio.current_task():
                    task.cancel()

        consumer.ending = end
        return consumer

    def _add(self, consumer: Consumer) -> None:
        self._consumers.append(consumer)
        told: tuple[type[Event], ...] = (*self._access.engine.event_types, OrderGiven)
        for event_type in told:
            if any(_may_fit(pattern, event_type) for pattern in consumer.patterns):
                self._by_type[event_type].append(consumer)
                if event_type not in self._subscriptions:
                    subscription = self._access.engine.bus.subscribe(self._tell, event_type)
                    self._subscriptions[event_type] = subscription

    def _remove(self, consumer: Consumer) -> None:
        self._consumers.remove(consumer)
        for event_type, consumers in self._by_type.items():
            if consumer in consumers:
                consumers.remove(consumer)
                if not consumers:
                    self._subscriptions.pop(event_type).cancel()

    async def _wait(self, pattern: Sequence[str | None], check: Any) -> tuple[Key, Any] | None:
        future: asyncio.Future[tuple[Key, Any]] = asyncio.get_running_loop().create_future()

        def hear(key: Key, message: Any) -> None:
            if not future.done():
                future.set_result((key, message))

        consumer = await self._start(hear, pattern)
        try:
            if await answered("check_callback", check):
                return None
            return await future
        finally:
            consumer.stopConsuming()

    def _tell(self, event: Event) -> None:
        message: Any = None
        for key in (key_of(event),) if isinstance(event, OrderGiven) else keys_of(event):
            listening = [one for one in self._by_type[type(event)] if one.wants(key)]
            if not listening:
                continue
            if message is None:
                message = _message(event)
            is_complete = len(key) == 3 and key[0] == "buildsets" and key[-1] == "complete"
            told = _completed(message) if is_complete else message
            for consumer in listening:
                consumer.offer(key, told)


def _may_fit(pattern: Sequence[str | None], event_type: type[Event]) -> bool:
    """Return whether a key of such an event can fit the pattern."""
    if event_type is OrderGiven:
        return may_be_order(pattern)
    return bool(pattern) and (
        (pattern[0] is None or pattern[0] in beginnings(event_type))
        and (pattern[-1] is None or pattern[-1] in verbs(event_type))
    )


def _message(event: Event) -> Any:
    if isinstance(event, OrderGiven):
        return {"reason": event.reason}
    resource = resource_of(event)
    if isinstance(event, WorkerMissing):
        resource = {**resource, "notify": list(event.notify)}
    entity = entity_of(type(event))
    return resource if entity is None else entity.with_moments(resource, epoch2datetime)


def _completed(buildset: dict[str, Any]) -> dict[str, Any]:
    """Elsewhere a buildset's points in time are numbers; when it completes, they are datetimes."""
    return {
        **buildset,
        "submitted_at": epoch2datetime(buildset["submitted_at"]),
        "complete_at": epoch2datetime(buildset["complete_at"]),
    }
