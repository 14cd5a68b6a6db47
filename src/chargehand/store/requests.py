"""Build requests: the queue in the database."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import bindparam, false, update

from chargehand.domain.buildset import PendingRequest
from chargehand.domain.identifiers import BuilderId, MasterId, RequestId
from chargehand.domain.result import Result
from chargehand.events.messages import RequestUpdated
from chargehand.store import leftovers, request_rows
from chargehand.store.engine.columns import ids_as_json
from chargehand.store.engine.database import Database
from chargehand.store.engine.portable import Updating, is_among
from chargehand.store.engine.tables import requests
from chargehand.store.engine.transaction import Transaction
from chargehand.store.epochs import Epochs
from chargehand.store.request_rows import (
    REQUEST_COLUMNS,
    SELECT_PENDING,
    SELECT_REQUESTS,
    WAITS,
    Claim,
)

_request = requests.c

_WAITING_OF = SELECT_PENDING.where(is_among(_request.builder_id), *WAITS)
_IS_INCOMPLETE = (is_among(_request.id), _request.complete == false())
_SET_PRIORITY = Updating(
    update(requests).where(*_IS_INCOMPLETE).values(priority=bindparam("new_priority")),
    REQUEST_COLUMNS,
    SELECT_REQUESTS.where(*_IS_INCOMPLETE),
)
_UNRECORDED = "the result could not be recorded; retrying"


class Requests:
    """Stores build requests (``dispatch.RequestStore``)."""

    def __init__(self, *, database: Database, epochs: Epochs) -> None:
        self._database = database
        self._epochs = epochs

    async def pending(self, builder_ids: Sequence[BuilderId]) -> list[PendingRequest]:
        """Return all unclaimed requests of these builders, oldest first, in two queries."""
        values = {"ids": ids_as_json(builder_ids)}
        return await self._database.read_patiently(
            lambda connection: request_rows.pending_of(connection, _WAITING_OF, values)
        )

    async def give_back(self, request_ids: Sequence[RequestId], master_id: MasterId) -> None:
        """Return those claimed by this master to the queue; a build of theirs that could not be
        recorded ends as RETRY."""
        claim = Claim(master_id, self._epochs.of(master_id))
        await self._database.insist(lambda transaction: _give_back(transaction, request_ids, claim))

    async def complete(self, request_ids: Sequence[RequestId], result: Result) -> None:
        """End the waiting ones without a build, and buildsets that are then complete."""
        await self._database.insist(
            lambda transaction: request_rows.complete_waiting(transaction, request_ids, result)
        )

    async def end(self, request_ids: Sequence[RequestId], result: Result, reason: str) -> int:
        """End the waiting ones without a build, for a reason that is kept, and buildsets that are
        then complete; return their number."""
        return await self._database.write(
            lambda transaction: request_rows.end_waiting(transaction, request_ids, result, reason)
        )

    async def cancel(self, request_id: RequestId, reason: str) -> bool:
        """End an unclaimed request as CANCELLED; False if it is claimed or complete."""
        return await self._database.write(
            lambda transaction: request_rows.cancel_waiting(transaction, request_id, reason),
            is_short=True,
        )

    async def set_priority(self, request_id: RequestId, priority: int) -> None:
        """Set the priority, and announce RequestUpdated. Raises LookupError unless incomplete."""
        await self._database.write(
            lambda transaction: _set_priority(transaction, request_id, priority), is_short=True
        )


def _give_back(transaction: Transaction, ids: Sequence[RequestId], claim: Claim) -> None:
    unfinished = leftovers.of_requests(transaction.connection, ids, claim)
    leftovers.retry(transaction, unfinished, _UNRECORDED, claim)
    request_rows.give_back(transaction, ids, claim)


def _set_priority(transaction: Transaction, request_id: RequestId, priority: int) -> None:
    values = {"ids": ids_as_json([request_id]), "new_priority": priority}
    rows = _SET_PRIORITY.rows(transaction.connection, values)
    if not rows:
        raise LookupError(f"there is no incomplete build request {request_id}")
    row = rows[0]
    request = request_rows.request_of((*row[:4], priority, *row[5:]))
    transaction.announce(RequestUpdated(request=request))
