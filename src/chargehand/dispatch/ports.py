"""Interfaces that dispatching needs from other packages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from chargehand.domain.assignment import Assignment
from chargehand.domain.buildset import PendingRequest
from chargehand.domain.identifiers import BuilderId, MasterId, RequestId
from chargehand.domain.result import Result
from chargehand.domain.session import Session
from chargehand.domain.worker import WorkerSlot as WorkerSlot


class RequestStore(Protocol):
    """Stores requests. Each method is one transaction and announces its changes."""

    async def pending(self, builder_ids: Sequence[BuilderId]) -> list[PendingRequest]:
        """Return all unclaimed requests of these builders, oldest first, in few queries."""

    async def give_back(self, request_ids: Sequence[RequestId], master_id: MasterId) -> None:
        """Return those claimed by this master to the queue; a build of theirs that could not be
        recorded ends as RETRY."""

    async def complete(self, request_ids: Sequence[RequestId], result: Result) -> None:
        """End the waiting ones without a build (SKIPPED: collapsed), and buildsets that are then
        complete."""

    async def cancel(self, request_id: RequestId, reason: str) -> bool:
        """End an unclaimed request as CANCELLED; False if it is claimed or complete."""

    async def set_priority(self, request_id: RequestId, priority: int) -> None:
        """Set the priority, and announce RequestUpdated."""


class Workers(Protocol):
    """The workers. (Implemented by ``fleet``.)"""

    def slots(self, names: Sequence[str]) -> list[WorkerSlot]:
        """Return the state of these workers, in that order; skips unknown names."""

    def reserve(self, name: str) -> Session | None:
        """Take a build slot and return the worker's session; None if none is free."""

    def release(self, name: str) -> None:
        """Release the slot."""


class BuildStarter(Protocol):
    """Starts builds. (Implemented by ``execution``.)"""

    async def start(self, assignment: Assignment) -> None:
        """Claim the requests and run their build to its end.

        Raises AlreadyClaimed or UnknownBuilder if nothing was claimed; never for failures of the
        build. Cancelling the call (the master stops) ends the build cleanly and returns its
        requests to the queue.
        """
