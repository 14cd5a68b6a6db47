"""Live connections end with the session or token that they were opened with, wherever it ended."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from aiohttp import web

from chargehand.domain.user import User
from chargehand.kit.clock import Clock
from chargehand.kit.guard import guarded
from chargehand.kit.tasks import Tasks
from chargehand.web.live.client import abort

_log = logging.getLogger(__name__)

LOOK_SECONDS = 4.0
"""A connection ends within 5 s, however busy the store is."""


class Revocation:
    """Asks now and then whether those who listen are still who they were.

    What ends here (by logging out, by a page) ends its connections at once. This is for what ends
    elsewhere: with time, by a command, or at another master with the same database.
    """

    def __init__(
        self, is_still: Callable[[web.BaseRequest, User, float], Awaitable[bool]], clock: Clock
    ) -> None:
        self._is_still = is_still
        self._clock = clock
        self._listening: dict[int, tuple[web.BaseRequest, User]] = {}
        """By identity: requests are not hashable."""
        self._is_looking = False
        self._tasks = Tasks("live visitors")

    @contextmanager
    def watch(self, request: web.BaseRequest, user: User) -> Iterator[None]:
        """Watch a live connection for as long as the context lasts."""
        if user.is_anonymous or user.may_everything:
            yield
            return
        self._listening[id(request)] = (request, user)
        if not self._is_looking:
            self._is_looking = True
            self._tasks.spawn(self._look_again(), name="look who still may listen")
        try:
            yield
        finally:
            del self._listening[id(request)]

    async def close(self) -> None:
        """Look no more."""
        await self._tasks.close()

    async def _look_again(self) -> None:
        while self._listening:
            await asyncio.sleep(LOOK_SECONDS)
            # Of many connections with the same session the store is asked once.
            began = self._clock.timestamp()
            for request, user in [*self._listening.values()]:
                with guarded(_log, "cannot tell whether %s may still listen", user.words):
                    if not await self._is_still(request, user, began):
                        abort(request)
        self._is_looking = False
