"""Pure decisions of dispatching."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from chargehand.dispatch.ports import WorkerSlot
from chargehand.domain.waiting import (
    NoWorkerConnected,
    Waiting,
    WorkersBusy,
    WorkersInterrupted,
    WorkersPaused,
)


def usable(slots: Sequence[WorkerSlot], occupied: Collection[str]) -> list[WorkerSlot]:
    """Return the workers that can take a build now.

    *occupied* are those that run a build of this builder: its builds share a directory there.
    """
    return [slot for slot in slots if takes_builds(slot) and slot.name not in occupied]


def takes_builds(slot: WorkerSlot) -> bool:
    """Return whether a worker can take any build now."""
    is_there = slot.connected and slot.interrupted_at is None
    return is_there and not slot.paused and _has_room(slot)


def why_none(
    names: Sequence[str], slots: Sequence[WorkerSlot], occupied: Collection[str], now: float
) -> Waiting:
    """Say why none of the builder's workers can take a build. (To be asked when that is so.)

    *now* is the time of the loop.
    """
    connected = [slot for slot in slots if slot.connected]
    if not connected:
        return NoWorkerConnected(workers=tuple(names))
    awake = [slot for slot in connected if not slot.paused]
    if not awake:
        return WorkersPaused(
            workers=tuple((slot.name, slot.pause_reason or "") for slot in connected)
        )
    there = [slot for slot in awake if slot.interrupted_at is None]
    if there:
        return WorkersBusy(workers=tuple(_occupation(slot, occupied) for slot in there))
    return WorkersInterrupted(
        workers=tuple(
            (slot.name, round(now - (slot.interrupted_at or now)), slot.running) for slot in awake
        )
    )


def _has_room(slot: WorkerSlot) -> bool:
    return slot.max_builds is None or slot.running < slot.max_builds


def _occupation(slot: WorkerSlot, occupied: Collection[str]) -> tuple[str, int, int]:
    """A worker that runs this builder's build already is full for this builder."""
    if slot.name in occupied and _has_room(slot):
        return (slot.name, 1, 1)
    return (slot.name, slot.running, slot.max_builds or slot.running)
