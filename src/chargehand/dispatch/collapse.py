"""Collapses older requests into newer ones."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from chargehand.config.model import Hook
from chargehand.dispatch.builder_line import BuilderLine
from chargehand.dispatch.ports import RequestStore
from chargehand.domain.buildset import PendingRequest
from chargehand.domain.identifiers import BuilderId, RequestId
from chargehand.domain.result import Result
from chargehand.kit.guard import guarded
from chargehand.kit.tasks import Tasks

_log = logging.getLogger(__name__)
_FAILED = "collapseRequests of builder %s failed; its requests stay separate"


class Collapsing:
    """Collapses one builder's requests by the default rule or by a user's function."""

    def __init__(
        self,
        *,
        store: RequestStore,
        tasks: Tasks,
        give_back: Callable[[Sequence[RequestId], BuilderId], None],
    ) -> None:
        self._store = store
        self._tasks = tasks
        self._give_back = give_back

    def consider(
        self,
        line: BuilderLine,
        pending: PendingRequest,
        replaced: RequestId | None,
        rule: Hook | bool | None,
    ) -> None:
        """Collapse older requests into a new one; *replaced* is the one by the default rule."""
        if callable(rule):
            self._tasks.spawn(self._by(rule, line, pending), name="collapse")
        elif rule and replaced is not None and line.remove(replaced):
            self._tasks.spawn(self._complete([replaced], pending), name="collapse")

    async def _by(self, rule: Hook, line: BuilderLine, pending: PendingRequest) -> None:
        """Call the user's function for each older request, in order.

        Requests that are trusted differently stay separate: a fork must not be able to replace
        what was to be built with all rights.
        """
        older = [
            other
            for other in line.waiting()
            if other.request.id < pending.request.id and other.trust is pending.trust
        ]
        unneeded: list[PendingRequest] = []
        with line.complaints.guarded(_FAILED, line.config.name):
            unneeded = [other for other in older if await rule(line.config.name, pending, other)]
        if not line.has(pending.request.id):
            return  # It was cancelled meanwhile, so it cannot replace others.
        replaced = [other.request.id for other in unneeded if line.remove(other.request.id)]
        if replaced:
            await self._complete(replaced, pending)

    async def _complete(self, replaced: Sequence[RequestId], by: PendingRequest) -> None:
        _log.info("requests %s were collapsed into request %s", list(replaced), by.request.id)
        with guarded(
            _log, "requests %s could not be collapsed; they stay queued", list(replaced)
        ) as attempt:
            await self._store.complete(replaced, Result.SKIPPED)
        if attempt.failure is not None:
            self._give_back(replaced, by.request.builder_id)
