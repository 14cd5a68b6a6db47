"""The waiting requests of one builder, in build order."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator, Mapping, Sequence
from typing import overload

import msgspec

from chargehand.domain.buildset import PendingRequest
from chargehand.domain.identifiers import RequestId

Rank = tuple[int, float, int]
"""The sort key of requests: highest priority, then oldest."""


def rank(pending: PendingRequest) -> Rank:
    """Return a request's sort key."""
    request = pending.request
    return (-request.priority, request.submitted_at, request.id)


class BuilderQueue:
    """Sorted waiting requests; adding, removing and finding one are fast at any length."""

    __slots__ = ("_ranks", "_requests")

    def __init__(self) -> None:
        self._ranks: list[Rank] = []
        self._requests: dict[RequestId, PendingRequest] = {}

    def __len__(self) -> int:
        return len(self._requests)

    def __iter__(self) -> Iterator[PendingRequest]:
        return iter(self.in_order())

    def __contains__(self, request_id: RequestId) -> bool:
        return request_id in self._requests

    def get(self, request_id: RequestId) -> PendingRequest | None:
        """Return the request, if it is in the queue."""
        return self._requests.get(request_id)

    def in_order(self) -> Sequence[PendingRequest]:
        """Return a live view of the requests as a sequence."""
        return _InOrder(self._ranks, self._requests)

    def first(self) -> PendingRequest:
        """Return the request to build next. The queue must not be empty."""
        return self._requests[RequestId(self._ranks[0][2])]

    def oldest_submitted_at(self) -> float:
        """Return when the request that waits longest was submitted. It must not be empty."""
        return min(submitted_at for _, submitted_at, _ in self._ranks)

    def first_rank(self) -> Rank:
        """Return the sort key of the first request. The queue must not be empty."""
        return self._ranks[0]

    def add(self, pending: PendingRequest) -> None:
        """Insert a request, or replace it if it is already in the queue."""
        self.remove(pending.request.id)
        self._requests[pending.request.id] = pending
        ranked = rank(pending)
        if not self._ranks or ranked > self._ranks[-1]:
            self._ranks.append(ranked)
        else:
            insort(self._ranks, ranked)

    def remove(self, request_id: RequestId) -> PendingRequest | None:
        """Remove and return a request, if it is in the queue."""
        pending = self._requests.pop(request_id, None)
        if pending is not None:
            del self._ranks[self._place(pending)]
        return pending

    def set_priority(self, request_id: RequestId, priority: int) -> None:
        """Reposition a request by its new priority."""
        pending = self._requests.get(request_id)
        if pending is not None:
            request = msgspec.structs.replace(pending.request, priority=priority)
            self.add(msgspec.structs.replace(pending, request=request))

    def ahead_of(self, request_id: RequestId) -> int:
        """Return the number of requests before this one."""
        return self._place(self._requests[request_id])

    def _place(self, pending: PendingRequest) -> int:
        return bisect_left(self._ranks, rank(pending))


class _InOrder(Sequence[PendingRequest]):
    """A live view of a queue."""

    __slots__ = ("_ranks", "_requests")

    def __init__(self, ranks: Sequence[Rank], requests: Mapping[RequestId, PendingRequest]) -> None:
        self._ranks = ranks
        self._requests = requests

    def __len__(self) -> int:
        return len(self._ranks)

    def __iter__(self) -> Iterator[PendingRequest]:
        return (self._requests[RequestId(ranked[2])] for ranked in self._ranks)

    @overload
    def __getitem__(self, index: int) -> PendingRequest: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[PendingRequest]: ...

    def __getitem__(self, index: int | slice) -> PendingRequest | Sequence[PendingRequest]:
        if isinstance(index, slice):
            return [self._requests[RequestId(ranked[2])] for ranked in self._ranks[index]]
        return self._requests[RequestId(self._ranks[index][2])]
