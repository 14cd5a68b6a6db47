"""A store and a fleet in memory, for tests of dispatching."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from chargehand.dispatch.ports import WorkerSlot
from chargehand.domain.assignment import AlreadyClaimed
from chargehand.domain.buildset import BuildRequest, PendingRequest
from chargehand.domain.identifiers import BuilderId, BuildsetId, MasterId, RequestId, WorkerId
from chargehand.domain.result import Result
from chargehand.domain.session import Session
from chargehand.events.bus import Bus
from chargehand.events.messages import (
    RequestCancelled,
    RequestClaimed,
    RequestCompleted,
    RequestSubmitted,
    RequestUnclaimed,
    RequestUpdated,
)
from chargehand.testing.scripted_session import ScriptedSession


class MemoryRequestStore:
    """Requests in memory; it announces what the real store announces."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._waiting: dict[RequestId, PendingRequest] = {}
        self._taken: dict[RequestId, PendingRequest] = {}
        self.completed: dict[RequestId, Result] = {}
        self.claimed: list[RequestId] = []

    def submit(self, builder_id: int, **more: Any) -> RequestId:
        """Store a request, and announce it."""
        request_id = self.submit_unheard(builder_id, **more)
        self._bus.publish([RequestSubmitted(pending=self._waiting[request_id])])
        return request_id

    def submit_unheard(self, builder_id: int, **more: Any) -> RequestId:
        """Store a request as another master does, of whose events nothing is heard here."""
        request_id = RequestId(len(self._waiting) + len(self.claimed) + len(self.completed) + 1)
        request = BuildRequest(
            id=request_id,
            buildset_id=BuildsetId(request_id),
            builder_id=BuilderId(builder_id),
            submitted_at=float(request_id),
            priority=more.pop("priority", 0),
        )
        values = {"reason": "", "source_stamp_ids": (), "sources": (("", "", "", str(request_id)),)}
        pending = PendingRequest(request=request, **(values | more))
        self._waiting[request_id] = pending
        return request_id

    async def pending(self, builder_ids: Sequence[BuilderId]) -> list[PendingRequest]:
        """Return what waits on these builders, oldest first."""
        in_order = sorted(self._waiting.items())
        return [p for _, p in in_order if p.request.builder_id in builder_ids]

    def claim(self, request_ids: Sequence[RequestId]) -> None:
        """Take them, as starting a build does. Raises AlreadyClaimed."""
        if any(request_id not in self._waiting for request_id in request_ids):
            raise AlreadyClaimed
        for request_id in request_ids:
            pending = self._waiting.pop(request_id)
            self.claimed.append(request_id)
            self._taken[request_id] = pending
            self._bus.publish([RequestClaimed(request=pending.request)])

    async def give_back(self, request_ids: Sequence[RequestId], master_id: MasterId) -> None:
        """Give those of them that are claimed back to the queue."""
        for request_id in request_ids:
            pending = self._taken.pop(request_id, None)
            if pending is not None:
                self.claimed.remove(request_id)
                self._waiting[request_id] = pending
                self._bus.publish([RequestUnclaimed(pending=pending)])

    async def complete(self, request_ids: Sequence[RequestId], result: Result) -> None:
        """End those that wait."""
        for request_id in request_ids:
            pending = self._waiting.pop(request_id, None)
            if pending is None:
                continue
            self.completed[request_id] = result
            request = msgspec.structs.replace(pending.request, complete=True, result=result)
            self._bus.publish([RequestCompleted(request=request)])

    async def cancel(self, request_id: RequestId, reason: str) -> bool:
        """Cancel one that waits."""
        if request_id not in self._waiting:
            return False
        request = self._waiting[request_id].request
        self._bus.publish([RequestCancelled(request=request, reason=reason)])
        await self.complete([request_id], Result.CANCELLED)
        return True

    async def set_priority(self, request_id: RequestId, priority: int) -> None:
        """Announce the new priority. Raises LookupError when it is not incomplete."""
        requests = self._waiting if request_id in self._waiting else self._taken
        pending = requests[request_id]
        request = msgspec.structs.replace(pending.request, priority=priority)
        requests[request_id] = msgspec.structs.replace(pending, request=request)
        self._bus.publish([RequestUpdated(request=request)])


class MemoryWorkers:
    """Workers in memory: connected unless said otherwise."""

    def __init__(self, **max_builds: int | None) -> None:
        self._slots = {
            name: WorkerSlot(
                name=name,
                id=WorkerId(number),
                connected=True,
                paused=False,
                pause_reason=None,
                running=0,
                max_builds=most,
                locks=(),
                config=None,
            )
            for number, (name, most) in enumerate(max_builds.items(), 1)
        }

    def alter(self, name: str, **values: Any) -> None:
        """Change what a worker is like."""
        fields = {f: getattr(self._slots[name], f) for f in WorkerSlot.__struct_fields__}
        self._slots[name] = WorkerSlot(**(fields | values))

    def slots(self, names: Sequence[str]) -> list[WorkerSlot]:
        """Return the state of these workers."""
        return [self._slots[name] for name in names if name in self._slots]

    def reserve(self, name: str) -> Session | None:
        """Take a slot; None when there is none."""
        slot = self._slots.get(name)
        if slot is None or slot.running == slot.max_builds or not slot.connected or slot.paused:
            return None
        self.alter(name, running=slot.running + 1)
        return ScriptedSession(worker_name=name)

    def release(self, name: str) -> None:
        """Give it back."""
        if not self._slots[name].running:
            raise ValueError(f"worker {name} has no slot that is in use")
        self.alter(name, running=self._slots[name].running - 1)
