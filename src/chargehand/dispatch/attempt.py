"""One attempt to start a build of a builder: chooses request, worker and locks."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from chargehand.config.model import Hook, MasterConfig
from chargehand.dispatch.builder_line import BuilderLine
from chargehand.dispatch.locks import Grant, LockTable, check_size
from chargehand.dispatch.ports import WorkerSlot
from chargehand.dispatch.rules import usable, why_not_trusted
from chargehand.domain.assignment import Assignment, LockGrant
from chargehand.domain.buildset import PendingRequest
from chargehand.domain.lock import LockAccess, LockHolder, LockTooSmall
from chargehand.domain.properties import Property, merged
from chargehand.domain.session import Session
from chargehand.domain.trust import TrustLevel
from chargehand.domain.waiting import FunctionFailed, LockUnavailable, RefusedByFunction, Waiting
from chargehand.kit.asking import AnswerTimeout, answer, place_of
from chargehand.kit.error_text import headline_of

_log = logging.getLogger(__name__)
_FAILED = "%s of builder %s failed"


class _Refused(Exception):
    """The attempt failed; ``why`` says why."""

    def __init__(self, why: Waiting) -> None:
        super().__init__(why.sentence)
        self.why = why


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """The decision to start a build, with its locks held."""

    request: PendingRequest
    worker: WorkerSlot
    accesses: tuple[LockAccess, ...]
    grant: LockGrant

    def assignment(self, line: BuilderLine, session: Session) -> Assignment:
        """Return the assignment, after reserving the worker's slot."""
        return Assignment(
            builder_name=line.config.name,
            builder_id=line.id,
            worker_name=self.worker.name,
            worker_id=self.worker.id,
            session=session,
            requests=(self.request,),
            locks=self.accesses,
            grant=self.grant,
        )


class Attempt:
    """Calls users' functions in Buildbot's order: request, worker, can start, locks."""

    def __init__(
        self,
        *,
        line: BuilderLine,
        config: MasterConfig,
        locks: LockTable,
        choose: Callable[[Sequence[WorkerSlot]], WorkerSlot],
        look_again: Callable[[], None],
    ) -> None:
        self._line = line
        self._builder = line.config
        self._config = config
        self._locks = locks
        self._choose = choose
        self._look_again = look_again
        self._refusing: tuple[str, Hook | None] = "canStartBuild", None
        """The function that refused a worker last."""
        self.blocked: Waiting | None = None
        self.waits_on: set[str] = set()
        """Workers on which only locks were unavailable."""

    async def decide(self, slots: Sequence[WorkerSlot]) -> Start | None:
        """Return the build to start, or None; ``blocked`` then says why."""
        try:
            request = await self._next_request(slots)
            return await self._on_some_worker(request, slots)
        except _Refused as refused:
            self.blocked = refused.why
            return None

    async def _next_request(self, slots: Sequence[WorkerSlot]) -> PendingRequest:
        queue = self._line.queue
        waiting = self._placeable(slots) if self._config.trust.workers else queue.in_order()
        if self._builder.next_build is None:
            return waiting[0]
        function = self._builder.next_build
        chosen = await self._ask("nextBuild", function, waiting)
        if chosen is None:
            raise _Refused(RefusedByFunction(function="nextBuild", place=place_of(function)))
        if not isinstance(chosen, PendingRequest) or chosen.request.id not in queue:
            raise _Refused(
                FunctionFailed(function="nextBuild", error="it returned none of the requests")
            )
        return chosen

    def _placeable(self, slots: Sequence[WorkerSlot]) -> Sequence[PendingRequest]:
        """Return the requests that are trusted enough for a free worker; others must not keep them
        waiting."""
        queue = self._line.queue
        free = usable(slots, self._line.occupied, self._builder.name)
        levels = {level for level in TrustLevel if self._open_to(level, free)}
        if len(levels) == len(TrustLevel):
            return queue.in_order()
        waiting = [pending for pending in queue.in_order() if pending.trust in levels]
        if not waiting:
            names = self._builder.worker_names
            raise _Refused(why_not_trusted(self._config.trust, queue.first().trust, names))
        return waiting

    def _open_to(self, level: TrustLevel, slots: Sequence[WorkerSlot]) -> list[WorkerSlot]:
        trust = self._config.trust
        return [slot for slot in slots if trust.may_use_worker(level, slot.name)]

    async def _on_some_worker(
        self, request: PendingRequest, slots: Sequence[WorkerSlot]
    ) -> Start | None:
        free = usable(slots, self._line.occupied, self._builder.name)
        candidates = self._open_to(request.trust, free)
        refused: list[str] = []
        locked: Waiting | None = None
        while candidates:
            worker = await self._next_worker(request, candidates)
            candidates = [slot for slot in candidates if slot.name != worker.name]
            if not await self._may_start(request, worker):
                refused.append(worker.name)
                continue
            accesses = await self._accesses(request, worker)
            try:
                check_size(accesses, worker.name)
            except LockTooSmall as error:
                locked = locked or _unavailable(error, worker.name)
                continue
            grant = self._try_locks(accesses, worker)
            if grant is not None:
                self._line.leave_lines()
                return Start(request=request, worker=worker, accesses=accesses, grant=grant)
            self.waits_on.add(worker.name)
            locked = self._locks.why(accesses, worker.name)
            self._line.wanted = (accesses, worker.name)
        name, function = self._refusing
        raise _Refused(
            locked
            or RefusedByFunction(function=name, workers=tuple(refused), place=place_of(function))
        )

    async def _next_worker(
        self, request: PendingRequest, candidates: Sequence[WorkerSlot]
    ) -> WorkerSlot:
        function = self._builder.next_worker or self._config.select_next_worker
        if function is None:
            return candidates[0] if len(candidates) == 1 else self._choose(candidates)
        name = "nextWorker" if self._builder.next_worker else "select_next_worker"
        chosen = await self._ask(name, function, list(candidates), request)
        if chosen is None:
            raise _Refused(
                RefusedByFunction(
                    function=name,
                    workers=tuple(slot.name for slot in candidates),
                    place=place_of(function),
                )
            )
        by_name = {slot.name: slot for slot in candidates}
        if not isinstance(chosen, WorkerSlot) or chosen.name not in by_name:
            raise _Refused(
                FunctionFailed(function=name, error="it returned none of the workers it was given")
            )
        return by_name[chosen.name]

    async def _may_start(self, request: PendingRequest, worker: WorkerSlot) -> bool:
        function = self._builder.can_start_build
        name = "canStartBuild"
        if function is not None and not await self._ask(name, function, worker, request):
            self._refusing = name, function
            return False
        name, function = "isCompatibleWithBuild", worker.is_compatible
        if function is None or not worker.running:
            return True
        properties = self._properties(request, worker)
        if await self._ask(name, function, properties, with_name=False):
            return True
        self._refusing = name, function
        return False

    async def _accesses(
        self, request: PendingRequest, worker: WorkerSlot
    ) -> tuple[LockAccess, ...]:
        locks = self._builder.locks
        if callable(locks):
            properties = self._properties(request, worker)
            locks = await self._ask("locks", locks, properties, with_name=False)
        return (*worker.locks, *locks)

    def _properties(self, request: PendingRequest, worker: WorkerSlot) -> dict[str, Property]:
        return merged(
            self._config.properties,
            self._builder.default_properties,
            self._builder.properties,
            request.properties,
            {
                "buildername": (self._builder.name, "Builder"),
                "workername": (worker.name, "Worker"),
            },
        )

    def _try_locks(self, accesses: tuple[LockAccess, ...], worker: WorkerSlot) -> Grant | None:
        holder = LockHolder(builder_name=self._builder.name)
        place = self._line.places.get(worker.name)
        if place is not None and place.accesses != accesses:
            self._line.leave_line(worker.name)  # Its place in line was for another request.
            place = None
        grant = self._locks.try_acquire(accesses, worker.name, holder, place)
        if grant is None and place is None:
            self._line.places[worker.name] = self._locks.wait_in_line(
                accesses, worker.name, holder, self._look_again
            )
        return grant

    async def _ask(
        self, name: str, function: Hook, *arguments: object, with_name: bool = True
    ) -> Any:
        """Call a user's function; a failure only blocks its own builder."""
        first = (self._builder.name,) if with_name else ()
        self._line.asked = name, asyncio.get_running_loop().time()
        try:
            found = await answer(function(*first, *arguments), name=name, function=function)
        except AnswerTimeout as error:
            _log.error("builder %s pauses before its next attempt: %s", self._builder.name, error)
            text = str(error).removeprefix(name).lstrip()
            raise _Refused(FunctionFailed(function=name, error=text)) from error
        except Exception as error:
            self._line.complaints.failed(error, _FAILED, name, self._builder.name)
            failed = FunctionFailed(
                function=name, error=headline_of(error), place=place_of(function)
            )
            raise _Refused(failed) from error
        else:
            self._line.complaints.succeeded(_FAILED, name, self._builder.name)
            return found
        finally:
            self._line.asked = None


def _unavailable(error: LockTooSmall, worker_name: str) -> Waiting:
    return LockUnavailable(
        lock=error.name, wanted=error.wanted, allowed=error.allowed, worker=worker_name
    )
