"""Returns requests that could not be built or collapsed to the queue, after a pause."""

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
"""Seconds of the pause, so that immediate failures do not loop."""


class ReturningRequests:
    """Requests returning to the queue, one task per build; cancelling ends them immediately."""

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
        """Release the claimed ones after a pause, and queue them again."""
        work = self._give_back(request_ids, builder_id)
        self._tasks.spawn(work, name=f"return requests {list(request_ids)}")

    def cancel(self, request_id: RequestId, reason: str) -> bool:
        """End a request instead of queueing it again; False if it is not returning."""
        hurry = self._hurry.get(request_id)
        if hurry is None:
            return False
        self._cancelled[request_id] = reason
        hurry.set()
        return True

    def has(self, request_id: RequestId) -> bool:
        """Whether a request is returning to the queue."""
        return request_id in self._hurry

    def is_cancelled(self, request_id: RequestId) -> bool:
        """Whether a returning request was cancelled."""
        return request_id in self._cancelled

    async def _give_back(self, request_ids: Sequence[RequestId], builder_id: BuilderId) -> None:
        hurry = asyncio.Event()
        self._hurry.update(dict.fromkeys(request_ids, hurry))
        try:
            while True:
                await self._pause(hurry)
                with guarded(
                    _log, "cannot return requests %s to the queue", list(request_ids)
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
        # No event announces requests that were never claimed: query them.
        await self._queue_again(builder_id)
