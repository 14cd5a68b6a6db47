"""What dispatching needs of the rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from chargehand.domain.buildset import PendingRequest
from chargehand.domain.identifiers import BuilderId, MasterId, RequestId
from chargehand.domain.lock import LockAccess, LockHolder
from chargehand.domain.result import Result
from chargehand.domain.worker import WorkerSlot as WorkerSlot


class AlreadyClaimed(Exception):
    """Another master (or a cancellation) was faster; take another request."""


class RequestStore(Protocol):
    """Where requests are recorded. Each method is one transaction and announces what it did."""

    async def pending(self, builder_ids: Sequence[BuilderId]) -> list[PendingRequest]:
        """Return all unclaimed requests of these builders, oldest first, in few queries."""

    async def claim(self, request_ids: Sequence[RequestId], master_id: MasterId) -> None:
        """Take all of them or none. Raises AlreadyClaimed."""

    async def unclaim(self, request_ids: Sequence[RequestId]) -> None:
        """Give them back to the queue."""

    async def complete(self, request_ids: Sequence[RequestId], result: Result) -> None:
        """End them without a build (collapsed: SKIPPED, cancelled: CANCELLED), and their buildsets
        where they were the last."""

    async def cancel(self, request_id: RequestId, reason: str) -> bool:
        """End an unclaimed request as CANCELLED; False when it was claimed or complete."""

    async def set_priority(self, request_id: RequestId, priority: int) -> None:
        """Set it, and announce RequestUpdated."""


class Workers(Protocol):
    """The fleet. (Given by ``fleet``.)"""

    def slots(self, names: Sequence[str]) -> list[WorkerSlot]:
        """Return the state of these workers, in that order; unknown names are left out."""

    def reserve(self, name: str) -> Any:
        """Take one build slot and return the worker's Session; None when there is none any more."""

    def release(self, name: str) -> None:
        """Give the slot back."""


class BuildStarter(Protocol):
    """Starts builds. (Given by ``execution``; its Assignment has these fields.)"""

    async def __call__(
        self,
        *,
        builder_name: str,
        builder_id: BuilderId,
        worker: WorkerSlot,
        session: Any,
        requests: tuple[PendingRequest, ...],
        locks: tuple[LockAccess, ...],
        name_locks: Callable[[LockHolder], None],
    ) -> None:
        """Run one build to its end; *name_locks* is told which build holds the locks.

        Never raises for what the build does; a cancelled call (the master stops) ends the build
        in good order and gives its requests back.
        """
