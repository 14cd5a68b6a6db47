"""Rows of build requests as values, and the changes of state that several use cases share."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import msgspec
from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Select,
    bindparam,
    exists,
    false,
    func,
    null,
    select,
    true,
    update,
)

from chargehand.domain.assignment import AlreadyClaimed
from chargehand.domain.buildset import BuildRequest, PendingRequest
from chargehand.domain.identifiers import BuildsetId, MasterId, RequestId, SourceStampId
from chargehand.domain.properties import merged
from chargehand.domain.result import Result
from chargehand.domain.retry import Retry
from chargehand.domain.trust import trust_of
from chargehand.events.messages import (
    RequestCancelled,
    RequestClaimed,
    RequestCompleted,
    RequestUnclaimed,
)
from chargehand.store import buildset_completion
from chargehand.store.buildset_completion import KnownStamps
from chargehand.store.engine.columns import as_json, ids_as_json, properties_of_json
from chargehand.store.engine.mapping import Rows
from chargehand.store.engine.portable import Updating, is_among
from chargehand.store.engine.tables import (
    builds,
    buildset_source_stamps,
    buildsets,
    changes,
    requests,
    source_stamps,
)
from chargehand.store.engine.transaction import Transaction

_log = logging.getLogger(__name__)

_request = requests.c
_stamp = source_stamps.c
_of_buildset = buildset_source_stamps.c

_requests = Rows(BuildRequest, requests)
REQUEST_COLUMNS = _requests.columns
request_of = _requests.of
SELECT_REQUESTS = select(*REQUEST_COLUMNS)
RAW_PROPERTIES = func.coalesce(buildsets.c.raw_properties, buildsets.c.properties)
"""A buildset's properties as builds get them."""
SELECT_PENDING = (
    select(
        *REQUEST_COLUMNS,
        _request.properties,
        RAW_PROPERTIES,
        buildsets.c.reason,
        buildsets.c.parent_build_id,
        buildsets.c.trust,
    )
    .select_from(requests.join(buildsets))
    .order_by(_request.id)
)
_PENDING_BY_IDS = SELECT_PENDING.where(is_among(_request.id))
_STAMPS = (
    select(
        _of_buildset.buildset_id,
        _stamp.id,
        _stamp.codebase,
        _stamp.repository,
        _stamp.project,
        _stamp.branch,
        _stamp.patch_id,
        exists().where(changes.c.source_stamp_id == _stamp.id),
    )
    .select_from(buildset_source_stamps.join(source_stamps))
    .where(is_among(_of_buildset.buildset_id))
    .order_by(_of_buildset.buildset_id, _stamp.codebase)
)

# Written out, not a parameter: SQLite uses the partial index only where it sees the condition.
WAITS = (_request.claimed == false(), _request.complete == false())
# Two masters that claim one request: the row's lock makes the second wait, it then finds the
# condition false, gets fewer rows than it asked for, and its whole claim is rolled back.
_IS_FREE = (is_among(_request.id), *WAITS)
_FREE_ROWS = SELECT_REQUESTS.where(*_IS_FREE)
_CLAIM = Updating(
    update(requests)
    .where(*_IS_FREE)
    .values(
        claimed=true(),
        claimed_by=bindparam("master"),
        claimed_epoch=bindparam("in_epoch"),
        claimed_at=bindparam("now"),
    ),
    REQUEST_COLUMNS,
    _FREE_ROWS,
)
# The first update of the row wins: the condition is evaluated again on the committed row.
_CLAIMED = (_request.complete == false(), _request.claimed == true())
_IS_OURS = (
    is_among(_request.id),
    *_CLAIMED,
    _request.claimed_by == bindparam("master"),
    _request.claimed_epoch == bindparam("in_epoch"),
)
# What a master claimed in earlier epochs and nobody builds, merged requests among it.
_IS_LEFT = (
    *_CLAIMED,
    _request.claimed_by == bindparam("master"),
    _request.claimed_epoch < bindparam("in_epoch"),
    ~exists().where(builds.c.request_id == _request.id, builds.c.complete == false()),
)


def _completing(*conditions: ColumnElement[bool], **more: BindParameter[str]) -> Updating:
    return Updating(
        update(requests)
        .where(*conditions)
        .values(
            claimed=true(),
            complete=true(),
            complete_at=bindparam("now"),
            result=bindparam("outcome"),
            **more,
        ),
        REQUEST_COLUMNS,
        SELECT_REQUESTS.where(*conditions),
    )


def _giving_back(*conditions: ColumnElement[bool], **more: BindParameter[str]) -> Updating:
    free = {"claimed_by": null(), "claimed_at": null(), "claimed_epoch": null()}
    return Updating(
        update(requests).where(*conditions).values(claimed=false(), **free, **more),
        (_request.id,),
        SELECT_REQUESTS.where(*conditions),
    )


_COMPLETE_WAITING = _completing(*_IS_FREE)
_END_WAITING = _completing(*_IS_FREE, end_reason=bindparam("why"))
_COMPLETE_OURS = _completing(*_IS_OURS)
_GIVE_BACK_OURS = _giving_back(*_IS_OURS)
_RETRY_OURS = _giving_back(*_IS_OURS, retry=bindparam("next"))
_GIVE_BACK_LEFT = _giving_back(*_IS_LEFT)


def pending_of(
    connection: Connection, query: Select[Any], parameters: Mapping[str, object]
) -> list[PendingRequest]:
    """Return the requests that a query like `SELECT_PENDING` finds, with two queries in all."""
    rows = connection.execute(query, parameters).all()
    stamps = _stamps_of(connection, {row[1] for row in rows})
    pending = []
    for row in rows:
        of_buildset = stamps[row[1]]
        try:
            properties = merged(properties_of_json(row[14]), properties_of_json(row[13]))
        except (msgspec.MsgspecError, UnicodeDecodeError, TypeError):
            _log.error(
                "the database is damaged: the properties of build_requests %s or of buildsets %s "
                "cannot be read; not building it. Run chargehand check-database",
                *row[:2],
            )
            continue
        request = request_of(row)
        pending.append(
            PendingRequest(
                request=request,
                reason=row[15],
                source_stamp_ids=tuple(SourceStampId(stamp[1]) for stamp in of_buildset),
                sources=tuple((stamp[2], stamp[3], stamp[4], stamp[5]) for stamp in of_buildset),
                has_patch=any(stamp[6] is not None for stamp in of_buildset),
                with_changes=tuple(SourceStampId(s[1]) for s in of_buildset if s[7]),
                properties=properties,
                waited_for_by=row[16] if request.waited_for else None,
                trust=trust_of(row[17]),
            )
        )
    return pending


def claim(
    transaction: Transaction, ids: Iterable[RequestId], master_id: MasterId, epoch: int
) -> None:
    """Take all of the requests, or raise AlreadyClaimed."""
    wanted = set(ids)
    values = {"ids": ids_as_json(wanted), "master": master_id, "in_epoch": epoch}
    values["now"] = transaction.now
    rows = _CLAIM.rows(transaction.connection, values)
    if len(rows) < len(wanted):
        taken = wanted - {row[0] for row in rows}
        raise AlreadyClaimed(f"claimed by another master, or complete: {sorted(taken)}")
    for row in rows:
        request = request_of((*row[:6], master_id, transaction.now, *row[8:]))
        transaction.announce(RequestClaimed(request=request))


class Claim(msgspec.Struct, frozen=True):
    """The fence of a claimed request: the master, and its epoch."""

    master_id: MasterId
    epoch: int

    @property
    def parameters(self) -> dict[str, int]:
        """Its part of the parameters of a statement."""
        return {"master": self.master_id, "in_epoch": self.epoch}


def complete_waiting(transaction: Transaction, ids: Iterable[RequestId], result: Result) -> int:
    """End the waiting ones of the requests without a build; return their number."""
    rows = _COMPLETE_WAITING.rows(transaction.connection, _outcome(transaction, ids, result))
    return _completed(transaction, rows, result)


def end_waiting(
    transaction: Transaction, ids: Iterable[RequestId], result: Result, reason: str
) -> int:
    """End the waiting ones of the requests without a build, for a reason that is kept; return
    their number."""
    return _completed(transaction, _ended(transaction, ids, result, reason), result)


def cancel_waiting(transaction: Transaction, request_id: RequestId, reason: str) -> bool:
    """Cancel the request, and announce it; False if it does not wait."""
    rows = _ended(transaction, [request_id], Result.CANCELLED, reason)
    for row in rows:
        request = request_of((*row[:8], False, None, None, *row[11:]))
        transaction.announce(RequestCancelled(request=request, reason=reason))
    return _completed(transaction, rows, Result.CANCELLED) > 0


def complete_ours(
    transaction: Transaction,
    ids: Iterable[RequestId],
    result: Result,
    claim: Claim,
    known: KnownStamps,
) -> int:
    """End the requests with this claim; return their number."""
    values = {**_outcome(transaction, ids, result), **claim.parameters}
    rows = _COMPLETE_OURS.rows(transaction.connection, values)
    return _completed(transaction, rows, result, known)


def give_back(
    transaction: Transaction, ids: Iterable[RequestId], claim: Claim, retry: Retry | None = None
) -> None:
    """Give those of the requests that are claimed like that back to the queue; what counts as a
    *retry* is remembered."""
    values: dict[str, object] = {"ids": ids_as_json(ids), **claim.parameters}
    if retry is None:
        _give_back(transaction, _GIVE_BACK_OURS, values)
    else:
        _give_back(transaction, _RETRY_OURS, {**values, "next": as_json(retry)})


def give_back_left(transaction: Transaction, now: Claim) -> None:
    """Return requests without a build that the master claimed before *now*'s epoch."""
    _give_back(transaction, _GIVE_BACK_LEFT, now.parameters)


def _outcome(
    transaction: Transaction, ids: Iterable[RequestId], result: Result
) -> dict[str, object]:
    return {"ids": ids_as_json(ids), "now": transaction.now, "outcome": result}


def _ended(
    transaction: Transaction, ids: Iterable[RequestId], result: Result, reason: str
) -> list[Sequence[Any]]:
    values = {**_outcome(transaction, ids, result), "why": reason}
    rows = _END_WAITING.rows(transaction.connection, values)
    return [(*row[:12], reason) for row in rows]  # MariaDB returns them as they were.


def _completed(
    transaction: Transaction,
    rows: Iterable[Sequence[Any]],
    result: Result,
    known: KnownStamps = MappingProxyType({}),
) -> int:
    """Announce the end of requests by their rows, and complete buildsets that are then done."""
    ended = []
    for row in rows:
        request = request_of((*row[:8], True, transaction.now, result, *row[11:]))
        ended.append(request.buildset_id)
        transaction.announce(RequestCompleted(request=request))
    if ended:
        buildset_completion.complete_if_done(transaction, dict.fromkeys(ended), known)
    return len(ended)


def _give_back(transaction: Transaction, statement: Updating, values: Mapping[str, object]) -> None:
    rows = statement.rows(transaction.connection, values)
    if not rows:
        return
    back = {"ids": ids_as_json(row[0] for row in rows)}
    for pending in pending_of(transaction.connection, _PENDING_BY_IDS, back):
        transaction.announce(RequestUnclaimed(pending=pending))


def _stamps_of(
    connection: Connection, buildset_ids: Iterable[BuildsetId]
) -> dict[BuildsetId, list[Sequence[Any]]]:
    found: dict[BuildsetId, list[Sequence[Any]]] = defaultdict(list)
    for row in connection.execute(_STAMPS, {"ids": ids_as_json(buildset_ids)}):
        found[row[0]].append(row)
    return found
