"""Requests that could not be built or collapsed go back to the queue after a while."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from chargehand.dispatch.ports import RequestStore
from chargehand.domain.identifiers import BuilderId, MasterId, RequestId
from chargehand.kit.guard import guarded
from chargehand.kit.tasks import Tasks

_log = logging.getLogger(__name__)

_PAUSE_SECONDS = 30
"""So that what fails at once is not tried again all the time."""


class GivingBack:
    """What goes back, one task for each build. Who is cancelled meanwhile ends at once."""

    def __init__(
        self,
        *,
        store: RequestStore,
        master_id: MasterId,
        tasks: Tasks,
        queue_again: Callable[[BuilderId], Awaitable[None]],
    ) -> None:
        self._store = store
        self._master_id = master_id
        self._tasks = tasks
        self._queue_again = queue_again
        self._hurry: dict[RequestId, asyncio.Event] = {}
        self._cancelled: dict[RequestId, str] = {}

    def give_back(self, request_ids: Sequence[RequestId], builder_id: BuilderId) -> None:
        """Give back those of them that are claimed, after a while, and queue them again."""
        work = self._give_back(request_ids, builder_id)
        self._tasks.spawn(work, name=f"give back requests {list(request_ids)}")

    def cancel(self, request_id: RequestId, reason: str) -> bool:
        """End a request instead of queueing it again; False when it does not go back just now."""
        hurry = self._hurry.get(request_id)
        if hurry is None:
            return False
        self._cancelled[request_id] = reason
        hurry.set()
        return True

    def has(self, request_id: RequestId) -> bool:
        """Whether a request goes back just now."""
        return request_id in self._hurry

    def is_cancelled(self, request_id: RequestId) -> bool:
        """Whether a request goes back only to end."""
        return request_id in self._cancelled

    async def _give_back(self, request_ids: Sequence[RequestId], builder_id: BuilderId) -> None:
        hurry = asyncio.Event()
        self._hurry.update(dict.fromkeys(request_ids, hurry))
        try:
            while True:
                await self._pause(hurry)
                with guarded(
                    _log, "requests %s could not be given back", list(request_ids)
                ) as attempt:
                    await self._put_back(request_ids, builder_id)
                if attempt.failure is None:
                    return
                hurry.clear()
        finally:
            for request_id in request_ids:
                if self._hurry.get(request_id) is hurry:
                    del self._hurry[request_id]
                self._cancelled.pop(request_id, None)

    async def _pause(self, hurry: asyncio.Event) -> None:
        waiting = asyncio.ensure_future(hurry.wait())
        try:
            await asyncio.wait((waiting,), timeout=_PAUSE_SECONDS)
        finally:
            waiting.cancel()

    async def _put_back(self, request_ids: Sequence[RequestId], builder_id: BuilderId) -> None:
        await self._store.give_back(request_ids, self._master_id)
        for request_id in request_ids:
            if (reason := self._cancelled.get(request_id)) is not None:
                await self._store.cancel(request_id, reason)
        # Requests that were not even claimed are announced by nobody: they are looked for.
        await self._queue_again(builder_id)
