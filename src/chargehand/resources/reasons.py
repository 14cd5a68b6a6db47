"""Removes hidden names from reasons for waiting."""

from __future__ import annotations

from collections.abc import Collection

from chargehand.domain.waiting import (
    BehindOthers,
    HeldByParents,
    LockHeld,
    LockUnavailable,
    NotTrustedEnough,
    NoWorkerConnected,
    RefusedByFunction,
    TriggeredWaits,
    Waiting,
    WorkerPreparing,
    WorkersBusy,
    WorkersInterrupted,
    WorkersPaused,
    WorkersQuarantined,
)
from chargehand.kit.values import replace
from chargehand.resources.visibility import Choice


def as_seen(waiting: Waiting, *, workers: Choice, builder_names: Collection[str]) -> Waiting:
    """Return the reason without workers and builders that the visitor does not see."""
    match waiting:
        case NoWorkerConnected():
            return replace(
                waiting,
                workers=tuple(filter(workers.has, waiting.workers)),
                reasons=tuple(one for one in waiting.reasons if workers.has(one[0])),
                refused=tuple(one for one in waiting.refused if workers.has(one[0])),
                unknown=tuple(filter(workers.has, waiting.unknown)),
            )
        case RefusedByFunction():
            return replace(waiting, workers=tuple(filter(workers.has, waiting.workers)))
        case WorkersPaused():
            paused = tuple(pair for pair in waiting.workers if workers.has(pair[0]))
            return replace(waiting, workers=paused)
        case WorkersBusy():
            busy = tuple(one for one in waiting.workers if workers.has(one[0]))
            builds = tuple(one for one in waiting.builds if workers.has(one[0]))
            return replace(waiting, workers=busy, builds=builds)
        case WorkersQuarantined():
            quarantined = tuple(one for one in waiting.workers if workers.has(one[0]))
            return replace(waiting, workers=quarantined)
        case WorkersInterrupted():
            interrupted = tuple(one for one in waiting.workers if workers.has(one[0]))
            return replace(waiting, workers=interrupted)
        case WorkerPreparing():
            preparing = tuple(one for one in waiting.workers if workers.has(one[0]))
            told = waiting.waits_for if preparing else ""  # It may name the worker, and its host.
            return replace(waiting, workers=preparing, waits_for=told)
        case NotTrustedEnough():
            because = waiting.because and as_seen(
                waiting.because, workers=workers, builder_names=builder_names
            )
            return replace(
                waiting,
                workers=tuple(filter(workers.has, waiting.workers)),
                others=tuple(filter(workers.has, waiting.others)),
                because=because,
            )
        case LockHeld():
            seen = tuple(one for one in waiting.holders if one.builder_name in builder_names)
            before = tuple(one for one in waiting.before if one.builder_name in builder_names)
            return replace(waiting, holders=seen, before=before)
        case HeldByParents():
            seen = tuple(one for one in waiting.holders if one.builder_name in builder_names)
            because = as_seen(waiting.because, workers=workers, builder_names=builder_names)
            assert isinstance(because, WorkersBusy | LockHeld)
            return replace(waiting, holders=seen, because=because)
        case TriggeredWaits():
            because = as_seen(waiting.because, workers=workers, builder_names=builder_names)
            builder = waiting.builder if waiting.builder in builder_names else ""
            return replace(waiting, because=because, builder=builder)
        case LockUnavailable() if not workers.has(waiting.worker):
            return replace(waiting, worker="a worker")
        case BehindOthers():
            # That reason is already a sentence, from which names cannot be removed.
            return replace(waiting, the_first_waits="")
        case _:
            return waiting
