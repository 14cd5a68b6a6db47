"""The sending side of a live connection."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence

import msgspec
from aiohttp import web

from chargehand.resources.announcements import Key
from chargehand.resources.visibility import Visibility
from chargehand.web.access.proxies import address_of
from chargehand.web.live.beat import Beat
from chargehand.web.live.limits import LiveUsage
from chargehand.web.shares import address_key

_log = logging.getLogger(__name__)

FULL = "the limit of live connections is reached; try again later\n"

_MOST_AT_ONCE = 64 * 1024
"""Bytes after which no more is added to what is sent together."""


def _unchanged(message: bytes) -> bytes:
    return message


class Format(msgspec.Struct, frozen=True, eq=False):
    """What is sent on a connection: the same bytes for all clients with the same format."""

    event: Callable[[Key, bytes, str], bytes]
    """The message about an event, from its key, its encoded resource, and its identifier if it has
    one."""
    framed: Callable[[bytes], bytes] = _unchanged
    """A message as it is queued."""
    together: Callable[[Sequence[bytes]], bytes] = b"".join
    """Messages that wait, as they are sent."""

    def told(self, key: Key, body: bytes, identifier: str) -> bytes:
        """Return an event as it is queued."""
        return self.framed(self.event(key, body, identifier))


class Client:
    """One live connection: its patterns, and a bounded queue of unsent events.

    ``sees`` stays the same for the connection's lifetime.
    """

    def __init__(
        self,
        *,
        name: str,
        address: str = "",
        sees: Visibility,
        user_name: str = "",
        sent_as: Format,
        abort: Callable[[], None],
        allowance: LiveUsage,
        beat: Beat,
    ) -> None:
        self.name = name
        self.address = address
        self.sees = sees
        self.user_name = user_name
        self.sent_as = sent_as
        self._abort = abort
        self.patterns: set[Key] = set()
        self.has_ids = False
        """Whether its events have identifiers, because it asked for them."""
        self.followed: set[Key] = set()
        """The patterns that it may resume."""
        self.is_given_up = False
        self._allowance = allowance
        self._beat = beat
        self._waiting: deque[bytes] = deque()
        self._size = 0
        self._news = asyncio.Event()
        allowance.join(self, asyncio.get_running_loop().time())

    @property
    def kind(self) -> tuple[Format, bool]:
        """Clients of the same kind get the same bytes."""
        return self.sent_as, self.has_ids

    @property
    def is_listening(self) -> bool:
        """Whether it has subscriptions."""
        return bool(self.patterns)

    @property
    def lag(self) -> int:
        """The number of unsent bytes."""
        return self._size

    def push(self, data: bytes) -> None:
        """Queue *data*; drops and logs a client that is too slow."""
        if self.is_given_up:
            return
        if self._size + len(data) > self._allowance.limits.live_bytes_per_connection:
            self.drop_as_slow()
            return
        if not self._waiting:
            self._beat.wake(self._news.set)
        self._waiting.append(data)
        self._size += len(data)
        self._allowance.lag(len(data))

    def drop_as_slow(self) -> None:
        """Drop the connection because too many bytes are unsent."""
        _log.warning("%s does not keep up with its live events; closing it", self.name)
        self.give_up()

    def give_up(self) -> None:
        """Drop the connection, so that the client notices that it missed something."""
        if self.is_given_up:
            return
        self.is_given_up = True
        self._forget_waiting()
        # The sender may be blocked on a full buffer: only closing the connection wakes it.
        self._abort()
        self._news.set()

    def close(self) -> None:
        """Discard unsent data: the client disconnected."""
        self._forget_waiting()
        self._allowance.leave(self)

    def _forget_waiting(self) -> None:
        self._waiting.clear()
        size, self._size = self._size, 0
        self._allowance.lag(-size)

    async def next(self) -> bytes | None:
        """Return what to send next, None if the client was dropped.

        Messages that have waited together are sent together, up to a size: the rest waits here,
        where it is counted, and not in the connection's buffer.
        """
        while not self._waiting:
            if self.is_given_up:
                return None
            self._news.clear()
            await self._news.wait()
        taken: list[bytes] = []
        size = 0
        while self._waiting and size < _MOST_AT_ONCE:
            data = self._waiting.popleft()
            taken.append(data)
            size += len(data)
        self._size -= size
        self._allowance.lag(-size)
        return self.sent_as.together(taken)


def has_room(request: web.BaseRequest, allowance: LiveUsage) -> bool:
    """Return whether there is room for this client; another may be dropped for it."""
    now = asyncio.get_running_loop().time()
    return allowance.make_room(address_key(address_of(request)), now)


def abort(request: web.BaseRequest) -> None:
    """Close a request's connection immediately, discarding unsent data."""
    if request.transport is not None:
        request.transport.abort()
