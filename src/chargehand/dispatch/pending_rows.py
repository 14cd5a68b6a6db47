"""Reads waiting requests from the store, corrected by the events that arrive meanwhile."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from chargehand.dispatch.ports import RequestStore
from chargehand.domain.buildset import PendingRequest
from chargehand.domain.identifiers import BuilderId, RequestId
from chargehand.kit.values import replace


class _News(msgspec.Struct, eq=False):
    """What happened to requests while one query ran."""

    departed: set[RequestId] = msgspec.field(default_factory=set)
    priorities: dict[RequestId, int] = msgspec.field(default_factory=dict)


class PendingRows:
    """Queries of waiting requests. Rows are older than the events that arrive before them."""

    def __init__(self, store: RequestStore) -> None:
        self._store = store
        self._news: list[_News] = []
        """One for each query that runs."""

    def departed(self, request_id: RequestId) -> None:
        """Note that a request left the queue."""
        for news in self._news:
            news.departed.add(request_id)

    def has_priority(self, request_id: RequestId, priority: int) -> None:
        """Note the new priority of a request."""
        for news in self._news:
            news.priorities[request_id] = priority

    async def read(self, builder_ids: Sequence[BuilderId]) -> list[PendingRequest]:
        """Return the requests of these builders that still wait, oldest first."""
        news = _News()
        self._news.append(news)
        try:
            rows = await self._store.pending(builder_ids)
        finally:
            self._news.remove(news)
        return [_corrected(row, news) for row in rows if row.request.id not in news.departed]


def _corrected(row: PendingRequest, news: _News) -> PendingRequest:
    request = row.request
    priority = news.priorities.get(request.id, request.priority)
    if priority == request.priority:
        return row
    return replace(row, request=replace(request, priority=priority))
