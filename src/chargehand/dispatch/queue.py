"""The requests of one builder that wait, in the order in which they shall be built."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator, Mapping, Sequence
from typing import overload

import msgspec

from chargehand.domain.buildset import PendingRequest
from chargehand.domain.identifiers import RequestId

Rank = tuple[int, float, int]
"""What requests are sorted by: highest priority, then oldest."""


def rank(pending: PendingRequest) -> Rank:
    """Return where a request stands among others; the least comes first."""
    request = pending.request
    return (-request.priority, request.submitted_at, request.id)


class BuilderQueue:
    """Waiting requests, sorted; adding, removing and finding one are cheap at any length."""

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
        """Return the request, if it waits here."""
        return self._requests.get(request_id)

    def in_order(self) -> Sequence[PendingRequest]:
        """Return the requests as a sequence that copies nothing, and follows the queue."""
        return _InOrder(self._ranks, self._requests)

    def first(self) -> PendingRequest:
        """Return the request to build next. There must be one."""
        return self._requests[RequestId(self._ranks[0][2])]

    def first_rank(self) -> Rank:
        """Return where the first request stands. There must be one."""
        return self._ranks[0]

    def add(self, pending: PendingRequest) -> None:
        """Put a request in its place; one that waits already is replaced."""
        self.remove(pending.request.id)
        self._requests[pending.request.id] = pending
        ranked = rank(pending)
        if not self._ranks or ranked > self._ranks[-1]:
            self._ranks.append(ranked)
        else:
            insort(self._ranks, ranked)

    def remove(self, request_id: RequestId) -> PendingRequest | None:
        """Take a request out, and return it if it was there."""
        pending = self._requests.pop(request_id, None)
        if pending is not None:
            del self._ranks[self._place(pending)]
        return pending

    def set_priority(self, request_id: RequestId, priority: int) -> None:
        """Move a request to where its new priority puts it."""
        pending = self._requests.get(request_id)
        if pending is not None:
            request = msgspec.structs.replace(pending.request, priority=priority)
            self.add(msgspec.structs.replace(pending, request=request))

    def ahead_of(self, request_id: RequestId) -> int:
        """Return how many requests come before that one."""
        return self._place(self._requests[request_id])

    def _place(self, pending: PendingRequest) -> int:
        return bisect_left(self._ranks, rank(pending))


class _InOrder(Sequence[PendingRequest]):
    """What waits in a queue at the moment when it is looked at."""

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
