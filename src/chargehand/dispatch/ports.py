"""What dispatching needs of the rest."""

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
    """Where requests are recorded. Each method is one transaction and announces what it did."""

    async def pending(self, builder_ids: Sequence[BuilderId]) -> list[PendingRequest]:
        """Return all unclaimed requests of these builders, oldest first, in few queries."""

    async def give_back(self, request_ids: Sequence[RequestId], master_id: MasterId) -> None:
        """Give back those of them that this master has claimed; a build of theirs that it could
        not record ends as RETRY."""

    async def complete(self, request_ids: Sequence[RequestId], result: Result) -> None:
        """End those that wait without a build (SKIPPED: collapsed), and their buildsets where they
        were the last."""

    async def cancel(self, request_id: RequestId, reason: str) -> bool:
        """End an unclaimed request as CANCELLED; False when it was claimed or complete."""

    async def set_priority(self, request_id: RequestId, priority: int) -> None:
        """Set it, and announce RequestUpdated."""


class Workers(Protocol):
    """The fleet. (Given by ``fleet``.)"""

    def slots(self, names: Sequence[str]) -> list[WorkerSlot]:
        """Return the state of these workers, in that order; unknown names are left out."""

    def reserve(self, name: str) -> Session | None:
        """Take one build slot and return the worker's session; None when there is none any more."""

    def release(self, name: str) -> None:
        """Give the slot back."""


class BuildStarter(Protocol):
    """Starts builds. (Given by ``execution``.)"""

    async def start(self, assignment: Assignment) -> None:
        """Claim the requests and run their build to its end.

        Raises AlreadyClaimed or UnknownBuilder, when nothing has been claimed; never for what the
        build does. A cancelled call (the master stops) ends the build in good order and gives its
        requests back.
        """
