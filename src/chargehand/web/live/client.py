"""One live connection, as what is sent to it sees it."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable

from aiohttp import web

from chargehand.resources.announcements import Key
from chargehand.resources.visibility import Visibility

_log = logging.getLogger(__name__)

MAX_WAITING_BYTES = 16 * 1024 * 1024
"""What may wait for one client; one that is slower loses its connection."""

MAX_PATTERNS = 50_000
"""How many subscriptions one client may have."""

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
        max_waiting: int = MAX_WAITING_BYTES,
    ) -> None:
        self.name = name
        self.sees = sees
        self.frame = frame
        self._abort = abort
        self.patterns: set[Key] = set()
        self.is_given_up = False
        self._max_waiting = max_waiting
        self._waiting: deque[bytes] = deque()
        self._size = 0
        self._news = asyncio.Event()

    def push(self, data: bytes) -> None:
        """Queue *data*; a client that is too slow is given up with a line in the log."""
        if self.is_given_up:
            return
        if self._size + len(data) > self._max_waiting:
            _log.warning("%s does not keep up with its live events; closing it", self.name)
            self.give_up()
            return
        self._waiting.append(data)
        self._size += len(data)
        self._news.set()

    def give_up(self) -> None:
        """Break the connection: something could not be sent, and the client has to know."""
        self.is_given_up = True
        self._waiting.clear()
        # Whoever sends may be stuck in a full buffer: only the connection's end wakes him.
        self._abort()
        self._news.set()

    async def next(self) -> bytes | None:
        """Return what is to be sent next, None when the client was given up."""
        while not self._waiting:
            if self.is_given_up:
                return None
            self._news.clear()
            await self._news.wait()
        data = self._waiting.popleft()
        self._size -= len(data)
        return data


def abort(request: web.BaseRequest) -> None:
    """Break a request's connection at once, whatever is on its way."""
    if request.transport is not None:
        request.transport.abort()
