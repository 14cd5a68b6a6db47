"""How many readings of whole logs may be in progress, and when they give up."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import aclosing, contextmanager

from aiohttp import web

from chargehand.config.web_limits import WebLimits
from chargehand.logs.searching import Take
from chargehand.resources.policy import Visitor
from chargehand.web.access.logs import SeenLog
from chargehand.web.access.proxies import address_of
from chargehand.web.rest.large import Busy
from chargehand.web.shares import address_key


class ScanPlaces:
    """Places for searches. They share one thread, so that nothing else waits for them."""

    def __init__(self, *, limits: Callable[[], WebLimits]) -> None:
        self._limits = limits
        self._taken: Counter[str] = Counter()

    @contextmanager
    def place(self, request: web.BaseRequest, visitor: Visitor) -> Iterator[Scanning]:
        """Take a place. Raises Busy if the client, or all together, have too many."""
        limits = self._limits()
        client = visitor.user.name or address_key(address_of(request))
        if self._taken[client] >= limits.searches_per_client:
            raise Busy("you have too many searches in progress; try again later")
        if self._taken.total() >= limits.searches:
            raise Busy("too many searches in logs at once; try again later")
        self._taken[client] += 1
        try:
            yield Scanning(request, limits.search_seconds)
        finally:
            self._taken[client] -= 1
            if not self._taken[client]:
                del self._taken[client]


class Scanning:
    """What one request may read: until its time is up, or its client has gone."""

    def __init__(self, request: web.BaseRequest, seconds: float) -> None:
        self._request = request
        self._loop = asyncio.get_running_loop()
        self._due = self._loop.time() + seconds

    async def scan(
        self, log: SeenLog, first: int, take: Take, *, with_letters: bool = False
    ) -> tuple[int, bool]:
        """Give lines to *take*; return how many, and whether that is all that it wants.

        Raises ConnectionResetError if the client has disconnected.
        """
        taken = 0
        async with aclosing(log.scan(first, take, with_letters=with_letters)) as slices:
            async for count in slices:
                taken += count
                if self._request.transport is None:
                    raise ConnectionResetError("the client disconnected")
                if self._loop.time() >= self._due:
                    return taken, first + taken >= log.row["num_lines"]
        return taken, True
