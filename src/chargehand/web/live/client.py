"""One live connection, as what is sent to it sees it."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable

from aiohttp import web

from chargehand.resources.announcements import Key
from chargehand.resources.visibility import Visibility
from chargehand.web.live.limits import LiveAllowance

_log = logging.getLogger(__name__)

FULL = "all live connections that there may be are in use; try again later\n"

Frame = Callable[[Key, bytes], bytes]
"""Makes what is sent of a key and an encoded resource."""


class Client:
    """One live connection: its patterns, and a bounded queue of what it has yet to be sent.

    ``sees`` holds for as long as the connection does.
    """

    def __init__(
        self,
        *,
        name: str,
        sees: Visibility,
        frame: Frame,
        abort: Callable[[], None],
        allowance: LiveAllowance,
    ) -> None:
        self.name = name
        self.sees = sees
        self.frame = frame
        self._abort = abort
        self.patterns: set[Key] = set()
        self.is_given_up = False
        self._allowance = allowance
        self._waiting: deque[bytes] = deque()
        self._size = 0
        self._news = asyncio.Event()
        allowance.join(self)

    @property
    def lag(self) -> int:
        """How many bytes wait for it."""
        return self._size

    def push(self, data: bytes) -> None:
        """Queue *data*; a client that is too slow is given up with a line in the log."""
        if self.is_given_up:
            return
        if self._size + len(data) > self._allowance.limits.live_bytes_per_connection:
            self.drop_as_slow()
            return
        self._waiting.append(data)
        self._size += len(data)
        self._news.set()
        self._allowance.lag(len(data))

    def drop_as_slow(self) -> None:
        """Give it up because too much waits for it."""
        _log.warning("%s does not keep up with its live events; closing it", self.name)
        self.give_up()

    def give_up(self) -> None:
        """Break the connection: something could not be sent, and the client has to know."""
        if self.is_given_up:
            return
        self.is_given_up = True
        self._forget_waiting()
        # Whoever sends may be stuck in a full buffer: only the connection's end wakes him.
        self._abort()
        self._news.set()

    def close(self) -> None:
        """It has left: nothing waits for it any more."""
        self._forget_waiting()
        self._allowance.leave(self)

    def _forget_waiting(self) -> None:
        self._waiting.clear()
        size, self._size = self._size, 0
        self._allowance.lag(-size)

    async def next(self) -> bytes | None:
        """Return what is to be sent next, None when the client was given up."""
        while not self._waiting:
            if self.is_given_up:
                return None
            self._news.clear()
            await self._news.wait()
        data = self._waiting.popleft()
        self._size -= len(data)
        self._allowance.lag(-len(data))
        return data


def abort(request: web.BaseRequest) -> None:
    """Break a request's connection at once, whatever is on its way."""
    if request.transport is not None:
        request.transport.abort()
