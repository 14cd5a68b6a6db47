"""Commands of users that want to hear each value which the worker sends."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

from buildbot._border.bridge import answered
from chargehand.domain.session import Receipt
from chargehand.kit.guard import Guard
from chargehand.kit.tasks import Tasks


class HeardUpdates:
    """Calls a command's own ``remoteUpdate``, for one value at a time and in their order.

    The method takes ``(key, value, is_flushed)``, or what it took before Buildbot 3: a dictionary.
    """

    def __init__(self, hear: Callable[..., Any]) -> None:
        self._hear = hear
        self._takes_dictionary = _positional(hear) == 1
        self._turn = asyncio.Lock()  # It lets in who came first.
        self._tasks = Tasks("heard updates")
        self._heard: set[asyncio.Task[None]] = set()
        self._failure: Exception | None = None

    def take(self, key: str, value: Any) -> Receipt:
        """Let the method hear a value; return a future that is done when it has."""
        task = self._tasks.spawn(self._tell(key, value), name=f"hear {key}")
        self._heard.add(task)
        task.add_done_callback(self._heard.discard)
        return task

    async def end(self) -> None:
        """Wait until everything was heard. Raises what the method raised first."""
        if self._heard:
            await asyncio.wait(self._heard)
        if self._failure is not None:
            raise self._failure

    async def close(self) -> None:
        """Let the method hear nothing more."""
        await self._tasks.close()

    async def _tell(self, key: str, value: Any) -> None:
        async with self._turn:
            if self._failure is not None:
                return
            told = ({key: value},) if self._takes_dictionary else (key, value, False)
            with Guard(self._fail):
                await answered("remoteUpdate()", self._hear, *told)

    def _fail(self, error: Exception) -> None:
        self._failure = error


def _positional(function: Callable[..., Any]) -> int:
    parameters = inspect.signature(function).parameters.values()
    if any(one.kind is one.VAR_POSITIONAL for one in parameters):
        return 3
    return sum(one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD) for one in parameters)
