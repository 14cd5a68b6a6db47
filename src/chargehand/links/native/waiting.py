"""What a session waits for: updates of its commands, and directories that it asked for."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

from chargehand_wire import messages


class Preparing:
    """Directories being created; requested again after a reconnect."""

    __slots__ = ("answer", "builddirs")

    def __init__(self, builddirs: Sequence[str]) -> None:
        self.builddirs = builddirs
        self.answer: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()

    def done(self, error: str | None) -> None:
        """Record the worker's answer."""
        if not self.answer.done():
            self.answer.set_result(error)

    def fail(self, error: Exception) -> None:
        """Fail: no answer will come."""
        if not self.answer.done():
            self.answer.set_exception(error)


class UpdateQueue:
    """Undelivered updates of one command; the protocol's window bounds their number."""

    __slots__ = ("_error", "_updates", "_waiter", "is_complete")

    def __init__(self) -> None:
        self._updates: deque[messages.Update] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._error: Exception | None = None
        self.is_complete = False

    def put(self, update: messages.Update) -> None:
        """Add an update."""
        self._updates.append(update)
        self._wake()

    def fail(self, error: Exception) -> None:
        """Deliver the remaining updates, then the error."""
        self._error = error
        self._wake()

    async def get(self) -> messages.Update:
        """Wait for the next update. Raises the error."""
        while not self._updates:
            if self._error is not None:
                raise self._error
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        update = self._updates.popleft()
        self.is_complete = isinstance(update, messages.Complete)
        return update

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
