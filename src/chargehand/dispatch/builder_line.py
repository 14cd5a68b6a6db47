"""The dispatcher's state of one builder: configuration, queue, and reasons for waiting."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection

from chargehand.config.model import BuilderConfig
from chargehand.dispatch.collapsing import Collapsible
from chargehand.dispatch.locks import Place
from chargehand.dispatch.queue import BuilderQueue
from chargehand.dispatch.waiting_parents import Occupant
from chargehand.domain.buildset import PendingRequest
from chargehand.domain.identifiers import BuilderId, BuildId, RequestId
from chargehand.domain.lock import LockAccess
from chargehand.domain.waiting import Waiting
from chargehand.kit.backoff import Backoff
from chargehand.kit.complaints import Complaints
from chargehand.kit.values import replace

_log = logging.getLogger(__name__)


class LacksWorker:
    """None of a builder's workers can take a build."""


class BuilderLine:
    """The mutable state of one builder, used only by the dispatcher."""

    # There are thousands of them.
    __slots__ = (
        "_resting",
        "asked",
        "asking",
        "backoff",
        "blocked",
        "collapsible",
        "complaints",
        "config",
        "id",
        "is_slow",
        "is_to_be_asked_again",
        "kept_by",
        "occupied",
        "parents",
        "places",
        "queue",
        "wanted",
    )

    def __init__(
        self, builder_id: BuilderId, config: BuilderConfig, occupied: dict[str, Occupant]
    ) -> None:
        self.id = builder_id
        self.config = config
        self.queue = BuilderQueue()
        self.collapsible = Collapsible()
        self.occupied = occupied
        """Workers that are running a build of this builder, and that build."""
        self.parents: dict[RequestId, BuildId] = {}
        """Waiting requests for which builds wait, and these builds."""
        self._resting: dict[RequestId, PendingRequest] = {}
        self.blocked: Waiting | None = None
        """Why the last attempt to start a build failed."""
        self.kept_by: Waiting | LacksWorker | None = None
        """What kept the requests waiting last; None if they did not have to wait."""
        self.wanted: tuple[tuple[LockAccess, ...], str] | None = None
        """The locks it failed to get last, and on which worker."""
        self.places: dict[str, Place] = {}
        """Its places in line for locks, by worker."""
        self.complaints = Complaints(_log)
        """Of users' functions that fail."""
        self.asking: asyncio.Task[None] | None = None
        """Set while users' functions run."""
        self.asked: tuple[str, float] | None = None
        """The function that is running, and since when (the loop's time)."""
        self.is_to_be_asked_again = False
        """Whether an event occurred meanwhile."""
        self.is_slow = False
        """Whether its functions were slow in the last call."""
        self.backoff = Backoff(first=1.0, longest=60.0)
        """Grows with each failure of its functions."""

    def stop_asking(self) -> None:
        """Abandon running functions: the configuration changed."""
        if self.asking is not None:
            self.asking.cancel()
            self.asking = None
            self.leave_lines()
        self.asked = None
        self.is_slow = False
        self.backoff.reset()

    def add(self, pending: PendingRequest) -> RequestId | None:
        """Queue a request; return the older one that it replaces by the default rule."""
        self._note_parent(pending)
        self.queue.add(pending)
        return self.collapsible.add(pending)

    def rest(self, pending: PendingRequest) -> None:
        """Add a request that must not be built before `end_rest`."""
        self._note_parent(pending)
        self._resting[pending.request.id] = pending
        self.collapsible.add(pending)

    def _note_parent(self, pending: PendingRequest) -> None:
        if pending.waited_for_by is not None:
            self.parents[pending.request.id] = pending.waited_for_by

    def end_rest(self, request_id: RequestId) -> None:
        """Queue a request after its pause, unless it was removed."""
        if (pending := self._resting.pop(request_id, None)) is not None:
            self.queue.add(pending)

    def resting(self, request_id: RequestId) -> PendingRequest | None:
        """Return a pausing request."""
        return self._resting.get(request_id)

    def waiting(self) -> list[PendingRequest]:
        """Return all waiting requests, including pausing ones, oldest first."""
        return sorted(
            [*self.queue, *self._resting.values()], key=lambda pending: pending.request.id
        )

    def all_resting(self) -> list[PendingRequest]:
        """Return the pausing requests."""
        return list(self._resting.values())

    def has(self, request_id: RequestId) -> bool:
        """Whether the request is waiting here."""
        return request_id in self.queue or request_id in self._resting

    def set_priority(self, request_id: RequestId, priority: int) -> None:
        """Change a request's priority."""
        self.queue.set_priority(request_id, priority)
        if (pending := self._resting.get(request_id)) is not None:
            request = replace(pending.request, priority=priority)
            self._resting[request_id] = replace(pending, request=request)

    def remove(self, request_id: RequestId) -> PendingRequest | None:
        """Remove a queued or pausing request."""
        pending = self.queue.remove(request_id) or self._resting.pop(request_id, None)
        if pending is not None:
            self.parents.pop(request_id, None)
            self.collapsible.remove(request_id)
            if not self.queue:
                self.leave_lines()
                self.kept_by = None
        return pending

    def block(self, why: Waiting | None) -> None:
        """Note why an attempt to start a build failed; None: it did not."""
        self.blocked = why
        self.kept_by = why or self.kept_by

    def lacks_worker(self) -> None:
        """Note that no worker can take a build."""
        self.leave_lines()
        self.blocked = None
        self.kept_by = LacksWorker()

    def leave_lines(self, keep: Collection[str] = ()) -> None:
        """Leave all lines, except for workers to *keep*."""
        for worker_name in [name for name in self.places if name not in keep]:
            self.leave_line(worker_name)

    def leave_line(self, worker_name: str) -> None:
        """Leave the line on one worker."""
        self.places.pop(worker_name).leave()
