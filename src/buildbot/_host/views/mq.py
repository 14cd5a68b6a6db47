"""``master.mq``: events for users' code, as routing keys and resources of the REST API."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any

from buildbot._border.bridge import answered, answered_within, outward, settled
from buildbot._border.times import epoch2datetime
from buildbot._host.views.engine_access import EngineAccess
from chargehand.kit.guard import guarded
from chargehand.kit.tasks import Tasks
from chargehand.resources.announcements import entity_of

_log = logging.getLogger(__name__)

Key = tuple[str, ...]

_CONSUMER_SECONDS = 600.0
"""How long a consumer may take for one message: those behind it wait."""


class Consumer:
    """A subscription; `stopConsuming` ends it. Its callback is called for one event at a time."""

    def __init__(self, callback: Callable[..., Any], pattern: Sequence[str | None]) -> None:
        self._callback = callback
        self._pattern = tuple(pattern)
        self._queue: asyncio.Queue[tuple[Key, Any]] = asyncio.Queue()
        self._ended = False
        self.ending: Callable[[], None] = lambda: None

    def offer(self, key: Key, message: Any) -> None:
        """Queue the message if it matches."""
        if not self._ended and fits(self._pattern, key):
            self._queue.put_nowait((key, message))

    async def deliver(self) -> None:
        """Call the user's function for everything that comes."""
        while True:
            key, message = await self._queue.get()
            with guarded(_log, "a consumer of %s failed on %s", self._pattern, key):
                await answered_within(
                    _CONSUMER_SECONDS, "the consumer", self._callback, key, message
                )

    def stopConsuming(self) -> Any:
        """End the subscription."""
        self._ended = True
        self.ending()
        return settled(None)


class MqView:
    """Subscribes users' functions to events, by patterns of keys with None for anything."""

    def __init__(self, access: EngineAccess) -> None:
        self._access = access
        self._tasks = Tasks("master.mq")
        self._consumers: list[Consumer] = []
        self._is_subscribed = False

    def startConsuming(
        self,
        callback: Callable[[Key, Any], Any],
        filter: Sequence[str | None],
        persistent_name: str | None = None,
    ) -> Any:
        """Call ``callback(key, message)`` for what fits; returns a Deferred of the consumer."""
        return outward(self._start(callback, filter))

    def waitUntilEvent(self, filter: Sequence[str | None], check_callback: Any) -> Any:
        """Return a Deferred of (key, message): the next that fits, unless *check_callback* (asked
        once, after listening has begun) says that there is nothing to wait for: then of None."""
        return outward(self._wait(filter, check_callback))

    def produce(self, routingKey: Sequence[str], data: Any) -> None:
        """Send a message to other consumers in this master."""
        for consumer in list(self._consumers):
            consumer.offer(tuple(map(str, routingKey)), data)

    async def close(self) -> None:
        """Stop calling consumers."""
        await self._tasks.close(patience=2.0)

    async def _start(self, callback: Callable[..., Any], pattern: Sequence[str | None]) -> Consumer:
        if not self._is_subscribed:
            self._is_subscribed = True
            engine = self._access.engine
            engine.bus.subscribe(self._tell, *engine.event_types)
        consumer = Consumer(callback, pattern)
        task = self._tasks.spawn(consumer.deliver(), name=f"consumer of {pattern}")
        self._consumers.append(consumer)

        def end() -> None:
            if consumer in self._consumers:
                self._consumers.remove(consumer)
                if task is not asyncio.current_task():
                    task.cancel()

        consumer.ending = end
        return consumer

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

    def _tell(self, event: Any) -> None:
        if not self._consumers:
            return
        keys, resource = self._access.engine.announcement(event)
        entity = entity_of(type(event))
        message = resource if entity is None else entity.with_moments(resource, epoch2datetime)
        for key in keys:
            told = (
                _completed(message) if key[0] == "buildsets" and key[-1] == "complete" else message
            )
            for consumer in self._consumers:
                consumer.offer(key, told)


def _completed(buildset: dict[str, Any]) -> dict[str, Any]:
    """Elsewhere a buildset's points in time are numbers; when it completes, they are datetimes."""
    return {
        **buildset,
        "submitted_at": epoch2datetime(buildset["submitted_at"]),
        "complete_at": epoch2datetime(buildset["complete_at"]),
    }


def fits(pattern: Sequence[str | None], key: Key) -> bool:
    """Return whether each part of the key is as the pattern has it; None is anything."""
    return len(pattern) == len(key) and all(
        wanted is None or str(wanted) == part for wanted, part in zip(pattern, key, strict=True)
    )
