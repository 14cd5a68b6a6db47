"""Explains why requests wait."""

from __future__ import annotations

from collections.abc import Sequence

from chargehand.dispatch.builder_line import BuilderLine
from chargehand.dispatch.locks import LockTable
from chargehand.dispatch.ports import WorkerSlot
from chargehand.dispatch.rules import usable, why_none
from chargehand.domain.identifiers import RequestId
from chargehand.domain.retry import MOST_RETRIES
from chargehand.domain.waiting import (
    AboutToStart,
    BehindOthers,
    FunctionAsked,
    FunctionFailed,
    LockHeld,
    RetryPaused,
    Waiting,
    WorkersBusy,
)


def why_waiting(
    line: BuilderLine,
    request_id: RequestId,
    *,
    slots: Sequence[WorkerSlot],
    locks: LockTable,
    now: float,
) -> Waiting:
    """Return why a request of the builder waits; *slots* are those of its workers, *now* is the
    loop's time."""
    if (resting := line.resting(request_id)) is not None and resting.request.retry is not None:
        retry = resting.request.retry
        return RetryPaused(
            number=retry.number, limit=MOST_RETRIES, at=retry.at, reason=retry.reason
        )
    if request_id not in line.queue:
        return AboutToStart()
    reason = _why_blocked(line, slots=slots, locks=locks, now=now)
    ahead = line.queue.ahead_of(request_id)
    if ahead and isinstance(reason, AboutToStart | WorkersBusy):
        waits = "" if isinstance(reason, AboutToStart) else reason.sentence
        return BehindOthers(ahead=ahead, the_first_waits=waits)
    return reason


def _why_blocked(
    line: BuilderLine, *, slots: Sequence[WorkerSlot], locks: LockTable, now: float
) -> Waiting:
    if not usable(slots, line.occupied, line.config.name):
        numbers = {name: grant.holder.build_number for name, grant in line.occupied.items()}
        return why_none(line.config.name, line.config.worker_names, slots, numbers, now)
    if line.asked is not None and not isinstance(line.blocked, FunctionFailed):
        function, since = line.asked
        if (seconds := round(now - since)) >= 1:
            return FunctionAsked(function=function, seconds=seconds)
    if isinstance(line.blocked, LockHeld) and line.wanted is not None:
        return locks.why(*line.wanted, line.places.get(line.wanted[1])) or AboutToStart()
    return line.blocked or AboutToStart()
