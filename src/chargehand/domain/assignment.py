"""An assignment: a request and a worker, with everything reserved for the build."""

from __future__ import annotations

from typing import Protocol

import msgspec

from chargehand.domain.buildset import PendingRequest
from chargehand.domain.identifiers import BuilderId, RequestId, WorkerId
from chargehand.domain.lock import LockAccess, LockHolder
from chargehand.domain.session import Session


class NotStarted(Exception):
    """The build was not started, and nothing was claimed for it."""


class AlreadyClaimed(NotStarted):
    """Another master claimed the request, or it was cancelled; take another one."""


class UnknownBuilder(NotStarted):
    """The builder was removed from the configuration; its requests keep waiting."""


class LockGrant(Protocol):
    """Locks that are held."""

    @property
    def holder(self) -> LockHolder:
        """Who holds them."""

    def name(self, holder: LockHolder) -> None:
        """Set the holder, once more is known about it."""

    def release(self) -> None:
        """Release the locks; may be called more than once."""


class Assignment(msgspec.Struct, frozen=True, kw_only=True):
    """Requests assigned to a worker: the first one is built, the others were merged into it."""

    builder_name: str
    builder_id: BuilderId
    worker_name: str
    worker_id: WorkerId
    session: Session
    requests: tuple[PendingRequest, ...]
    locks: tuple[LockAccess, ...] = ()
    grant: LockGrant
    """Holds ``locks``. Execution names the build on it; dispatch releases it after the build."""

    @property
    def request_id(self) -> RequestId:
        """The request to build."""
        return self.requests[0].request.id

    @property
    def request_ids(self) -> tuple[RequestId, ...]:
        """All requests that the build serves."""
        return tuple(pending.request.id for pending in self.requests)
