"""Pure rules of dispatching."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from chargehand.config.trust import TrustConfig
from chargehand.dispatch.ports import WorkerSlot
from chargehand.domain.trust import TrustLevel
from chargehand.domain.waiting import (
    NotTrustedEnough,
    NoWorkerConnected,
    Waiting,
    WorkersBusy,
    WorkersInterrupted,
    WorkersPaused,
    WorkersQuarantined,
)
from chargehand.domain.worker import Quarantine


def usable(
    slots: Sequence[WorkerSlot], occupied: Collection[str], builder_name: str
) -> list[WorkerSlot]:
    """Return the workers that can take a build of this builder now.

    *occupied* workers already run one; its builds share a directory there.
    """
    return [
        slot
        for slot in slots
        if takes_builds(slot)
        and slot.name not in occupied
        and _quarantine(slot, builder_name) is None
    ]


def takes_builds(slot: WorkerSlot) -> bool:
    """Return whether a worker can take builds of any builder now."""
    is_well = not slot.is_on_trial and not any(q.builder_name is None for q in slot.quarantines)
    return slot.is_reachable and is_well and not slot.paused and _has_room(slot)


def why_none(
    builder_name: str,
    names: Sequence[str],
    slots: Sequence[WorkerSlot],
    occupied: Mapping[str, int | None],
    now: float,
) -> Waiting:
    """Return why none of the builder's workers can take a build. Call only if this is the case.

    *occupied* has the number of this builder's build on the workers that run one, *now* is the
    loop's time.
    """
    connected = [slot for slot in slots if slot.connected or slot.is_on_demand]
    if not connected:
        reasons = tuple((slot.name, slot.trouble) for slot in slots if slot.trouble)
        refused = tuple((slot.name, slot.refusal) for slot in slots if slot.refusal)
        unknown = tuple(slot.name for slot in slots if slot.is_unknown)
        return NoWorkerConnected(
            workers=tuple(names), reasons=reasons, refused=refused, unknown=unknown
        )
    awake = [slot for slot in connected if not slot.paused]
    if not awake:
        return WorkersPaused(
            workers=tuple((slot.name, slot.pause_reason or "") for slot in connected)
        )
    there = [slot for slot in awake if slot.interrupted_at is None]
    kept = {slot.name: _quarantine(slot, builder_name) for slot in there}
    if well := [slot for slot in there if kept[slot.name] is None]:
        return WorkersBusy(
            workers=tuple((slot.name, slot.running, slot.max_builds or 0) for slot in well),
            builder=builder_name,
            builds=tuple(
                (slot.name, occupied[slot.name] or 0) for slot in well if slot.name in occupied
            ),
        )
    if there:
        return WorkersQuarantined(
            workers=tuple(
                (name, quarantine.since + quarantine.seconds, quarantine.failures, quarantine.words)
                for name, quarantine in kept.items()
                if quarantine is not None
            )
        )
    return WorkersInterrupted(
        workers=tuple(
            (slot.name, round(now - (slot.interrupted_at or now)), slot.running) for slot in awake
        )
    )


def workers_for(
    trust: TrustConfig, level: TrustLevel, names: Sequence[str]
) -> tuple[list[str], list[str]]:
    """Return the workers that builds of a level may use, and the others."""
    allowed = [name for name in names if trust.may_use_worker(level, name)]
    return allowed, [name for name in names if name not in allowed]


def why_not_trusted(
    trust: TrustConfig, level: TrustLevel, names: Sequence[str], because: Waiting | None = None
) -> NotTrustedEnough:
    """Return that a request may not use all of its builder's workers, *because* of which it
    waits for the others."""
    allowed, others = workers_for(trust, level, names)
    return NotTrustedEnough(
        trust=level.value, workers=tuple(allowed), others=tuple(others), because=because
    )


def _has_room(slot: WorkerSlot) -> bool:
    return slot.max_builds is None or slot.running < slot.max_builds


def _quarantine(slot: WorkerSlot, builder_name: str) -> Quarantine | None:
    """Return the quarantine that keeps this builder's builds off the worker."""
    for quarantine in slot.quarantines:
        if quarantine.builder_name in (None, builder_name):
            return quarantine
    return None
