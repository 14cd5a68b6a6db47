"""Explains why requests and builds wait."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from chargehand.config.trust import TrustConfig
from chargehand.dispatch.builder_line import BuilderLine
from chargehand.dispatch.locks import LockTable
from chargehand.dispatch.ports import Workers, WorkerSlot
from chargehand.dispatch.rules import usable, why_none, why_not_trusted, workers_for
from chargehand.dispatch.waiting_parents import Need, Occupant, are_stuck, stuck_builds
from chargehand.domain.identifiers import BuilderId, BuildId, RequestId
from chargehand.domain.lock import LockHolder
from chargehand.domain.retry import MOST_RETRIES
from chargehand.domain.waiting import (
    AboutToStart,
    BehindOthers,
    BuilderNotConfigured,
    FunctionAsked,
    FunctionFailed,
    HeldByParents,
    LockHeld,
    RetryPaused,
    TriggeredWaits,
    Waiting,
    WorkersBusy,
)
from chargehand.domain.waiting_line import MOST_NAMED, WaitingLine


class Explaining:
    """Explains from the dispatcher's state: its *lines*, and what its builds have *occupied*."""

    def __init__(
        self,
        *,
        lines: Mapping[BuilderId, BuilderLine],
        occupied: Mapping[BuilderId, Mapping[str, Occupant]],
        workers: Workers,
        locks: LockTable,
    ) -> None:
        self.trust = TrustConfig()
        self._lines = lines
        self._occupied = occupied
        self._workers = workers
        self._locks = locks
        self._known_stuck: set[BuildId] | None = None

    def lines(self, why: Waiting | None) -> list[WaitingLine]:
        """Return what waits at each builder, with one explanation for all that wait behind each
        other, and one for those that pause; *why* is true of all of them, if given."""
        self._known_stuck = self._stuck()
        try:
            return [found for line in self._lines.values() for found in self._of_line(line, why)]
        finally:
            self._known_stuck = None

    def _of_line(self, line: BuilderLine, why: Waiting | None) -> Iterator[WaitingLine]:
        if line.queue:
            first = line.queue.first().request.id
            ids = (one.request.id for one in islice(line.queue, MOST_NAMED))
            yield WaitingLine(
                builder_id=line.id,
                why=why or self.request(first, line.id),
                count=len(line.queue),
                oldest_submitted_at=line.queue.oldest_submitted_at(),
                request_ids=tuple(ids),
            )
        if resting := line.all_resting():
            ids = (one.request.id for one in resting[:MOST_NAMED])
            yield WaitingLine(
                builder_id=line.id,
                why=why or self.request(resting[0].request.id, line.id),
                count=len(resting),
                oldest_submitted_at=min(one.request.submitted_at for one in resting),
                request_ids=tuple(ids),
            )

    def request(self, request_id: RequestId, builder_id: BuilderId) -> Waiting:
        """Return why an unclaimed request waits."""
        line = self._lines.get(builder_id)
        if line is None:
            return BuilderNotConfigured()
        reason = why_waiting(
            line,
            request_id,
            slots=self._workers.slots(line.config.worker_names),
            locks=self._locks,
            now=asyncio.get_running_loop().time(),
            trust=self.trust,
        )
        if request_id not in line.parents:
            return reason
        return self._deadlock(line) or reason

    def build(self, build_id: BuildId) -> Waiting | None:
        """Return what a running build waits for: a lock, or a build that it has triggered."""
        if (held := self._locks.why_waiting(build_id)) is not None:
            return self._of_parents(held, held.holders) or held
        for line in self._lines.values():
            for request_id, parent in line.parents.items():
                if parent != build_id:
                    continue
                because = self.request(request_id, line.id)
                if not isinstance(because, AboutToStart):
                    return TriggeredWaits(
                        request_id=request_id, builder=line.config.name, because=because
                    )
        return self._triggered_build_waits(build_id)

    def _triggered_build_waits(self, build_id: BuildId) -> TriggeredWaits | None:
        """Return what a build waits for that runs, and that this one has triggered."""
        for one in self._occupants():
            child = one.holder
            if one.waited_for_by != build_id or child.build_id is None:
                continue
            if (because := self.build(child.build_id)) is not None:
                return TriggeredWaits(
                    request_id=one.request_id, builder=child.builder_name, because=because
                )
        return None

    def _occupants(self) -> list[Occupant]:
        return [one for places in self._occupied.values() for one in places.values()]

    def _deadlock(self, line: BuilderLine) -> HeldByParents | None:
        because, holders = self._blocking(line)
        return None if because is None else self._of_parents(because, holders)

    def _of_parents(
        self, because: WorkersBusy | LockHeld, holders: Sequence[LockHolder]
    ) -> HeldByParents | None:
        """Return the reason where *holders* wait for builds that they have triggered."""
        if not holders or not are_stuck(holders, self._stuck()):
            return None
        unique = {holder.build_id: holder for holder in holders}
        return HeldByParents(because=because, holders=tuple(unique.values()))

    def _stuck(self) -> set[BuildId]:
        if self._known_stuck is not None:
            return self._known_stuck
        needs = [
            Need(parents=frozenset(line.parents.values()), holders=self._blocking(line)[1])
            for line in self._lines.values()
            if line.parents
        ]
        occupants = self._occupants()
        ids = [one.holder.build_id for one in occupants]
        step_waits = {
            build_id: [holder.build_id for holder in held.holders]
            for build_id in ids
            if build_id is not None and (held := self._locks.why_waiting(build_id)) is not None
        }
        return stuck_builds(occupants, needs, step_waits)

    def _blocking(
        self, line: BuilderLine
    ) -> tuple[WorkersBusy | LockHeld | None, tuple[LockHolder, ...]]:
        """Return what the builder's next build lacks, and who has it, on all of its workers."""
        slots = self._workers.slots(line.config.worker_names)
        now = asyncio.get_running_loop().time()
        reason = _why_blocked(line, slots=slots, locks=self._locks, now=now)
        if isinstance(reason, WorkersBusy):
            names = [name for name, _, _ in reason.workers]
            return reason, tuple(h for name in names for h in self._on(name, line))
        if isinstance(reason, LockHeld):
            free = {slot.name for slot in usable(slots, line.occupied, line.config.name)}
            busy = [
                slot.name
                for slot in slots
                if (slot.connected or slot.is_on_demand) and slot.name not in free
            ]
            holders = [h for name in busy for h in self._on(name, line)]
            return reason, (*holders, *self._lock_holders(line))
        return None, ()

    def _on(self, worker_name: str, line: BuilderLine) -> list[LockHolder]:
        """Return the builds that must end before the builder's next one can run on a worker."""
        if worker_name in line.occupied:
            return [line.occupied[worker_name].holder]
        every = (places.get(worker_name) for places in self._occupied.values())
        return [one.holder for one in every if one is not None]

    def _lock_holders(self, line: BuilderLine) -> Iterator[LockHolder]:
        for worker_name, place in line.places.items():
            held = self._locks.why(place.accesses, worker_name, place)
            yield from () if held is None else held.holders


def why_waiting(
    line: BuilderLine,
    request_id: RequestId,
    *,
    slots: Sequence[WorkerSlot],
    locks: LockTable,
    now: float,
    trust: TrustConfig,
) -> Waiting:
    """Return why a request of the builder waits; *slots* are those of its workers, *now* is the
    loop's time."""
    if (resting := line.resting(request_id)) is not None and resting.request.retry is not None:
        retry = resting.request.retry
        return RetryPaused(
            number=retry.number, limit=MOST_RETRIES, at=retry.at, reason=retry.reason
        )
    pending = line.queue.get(request_id)
    if pending is None:
        return AboutToStart()
    names = line.config.worker_names
    allowed, others = workers_for(trust, pending.trust, names)
    if not allowed and others:
        return why_not_trusted(trust, pending.trust, names)
    slots = [slot for slot in slots if slot.name in allowed] if others else slots
    reason = _why_blocked(line, slots=slots, locks=locks, now=now, names=allowed)
    if others and not isinstance(reason, AboutToStart):
        return why_not_trusted(trust, pending.trust, names, reason)
    ahead = line.queue.ahead_of(request_id)
    if ahead and isinstance(reason, AboutToStart | WorkersBusy):
        waits = "" if isinstance(reason, AboutToStart) else reason.sentence
        return BehindOthers(ahead=ahead, the_first_waits=waits)
    return reason


def _why_blocked(
    line: BuilderLine,
    *,
    slots: Sequence[WorkerSlot],
    locks: LockTable,
    now: float,
    names: Sequence[str] | None = None,
) -> Waiting:
    """Return why no build starts on these workers: *names*, by default all of the builder's."""
    if not usable(slots, line.occupied, line.config.name):
        numbers = {name: one.holder.build_number for name, one in line.occupied.items()}
        names = line.config.worker_names if names is None else names
        return why_none(line.config.name, names, slots, numbers, now)
    if line.asked is not None and not isinstance(line.blocked, FunctionFailed):
        function, since = line.asked
        if (seconds := round(now - since)) >= 1:
            return FunctionAsked(function=function, seconds=seconds)
    if isinstance(line.blocked, LockHeld) and line.wanted is not None:
        return locks.why(*line.wanted, line.places.get(line.wanted[1])) or AboutToStart()
    return line.blocked or AboutToStart()
