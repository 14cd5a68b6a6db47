"""When the last request of a buildset is complete, so is the buildset."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, case, exists, false, func, select, true, update

from chargehand.domain.buildset import Buildset
from chargehand.domain.identifiers import BuildsetId, SourceStampId
from chargehand.domain.result import Result, worse
from chargehand.domain.source_stamp import StoredSourceStamp
from chargehand.events.messages import BuildsetCompleted
from chargehand.store import source_stamps
from chargehand.store.columns import ids_as_json
from chargehand.store.portable import is_among, updated
from chargehand.store.tables import buildset_source_stamps, buildsets, requests
from chargehand.store.transaction import Transaction

_buildset = buildsets.c
_of_buildset = buildset_source_stamps.c

BUILDSET_COLUMNS = (
    _buildset.id,
    _buildset.reason,
    _buildset.submitted_at,
    _buildset.external_id,
    _buildset.parent_build_id,
    _buildset.parent_relationship,
    _buildset.rebuilt_build_id,
    _buildset.complete,
    _buildset.complete_at,
    _buildset.result,
)

# A buildset starts from SUCCESS: one whose requests were all merged into others has succeeded.
_BY_SEVERITY = sorted(
    (result for result in Result if worse(result, Result.SUCCESS) is result),
    key=lambda one: sum(worse(one, other) is one for other in Result),
)
_severity = case(
    {result.value: rank for rank, result in enumerate(_BY_SEVERITY)},
    value=requests.c.result,
    else_=0,
)
_worst = select(func.coalesce(func.max(_severity), 0)).where(requests.c.buildset_id == _buildset.id)
_LOCK = select(_buildset.id).where(is_among(_buildset.id)).with_for_update()
_IS_DONE = (
    is_among(_buildset.id),
    _buildset.complete == false(),
    ~exists().where(requests.c.buildset_id == _buildset.id, requests.c.complete == false()),
)
_COMPLETE = (
    update(buildsets)
    .where(*_IS_DONE)
    .values(
        complete=true(),
        complete_at=bindparam("now"),
        result=case(
            {rank: result.value for rank, result in enumerate(_BY_SEVERITY)},
            value=_worst.scalar_subquery(),
        ),
    )
)
_DONE_ROWS = select(*BUILDSET_COLUMNS).where(*_IS_DONE)
_BY_IDS = select(*BUILDSET_COLUMNS).where(is_among(_buildset.id))
_STAMPS = select(_of_buildset.buildset_id, _of_buildset.source_stamp_id).where(
    is_among(_of_buildset.buildset_id)
)


def complete_if_done(transaction: Transaction, buildset_ids: Iterable[BuildsetId]) -> None:
    """Complete those of the buildsets that have no open request any more, with the worst result."""
    connection = transaction.connection
    values = {"ids": ids_as_json(buildset_ids), "now": transaction.now}
    if connection.dialect.name != "sqlite":
        # Two masters that complete the last two requests at once do not see each other's. The lock
        # on the buildset makes the second wait for the first one's commit and look after it; on
        # SQLite there is one writer anyway.
        connection.execute(_LOCK, values)
    rows = updated(connection, _COMPLETE, BUILDSET_COLUMNS, _DONE_ROWS, values)
    if not rows:
        return
    if not connection.dialect.update_returning:
        rows = connection.execute(_BY_IDS, {"ids": ids_as_json(row[0] for row in rows)}).all()
    for buildset in buildsets_of(connection, rows):
        transaction.announce(BuildsetCompleted(buildset=buildset))


def buildsets_of(connection: Connection, rows: Iterable[Sequence[Any]]) -> list[Buildset]:
    """Return the values of rows of `BUILDSET_COLUMNS`, with two queries for their source stamps."""
    rows = list(rows)
    members: dict[int, list[SourceStampId]] = defaultdict(list)
    for row in connection.execute(_STAMPS, {"ids": ids_as_json(row[0] for row in rows)}):
        members[row[0]].append(SourceStampId(row[1]))
    known = source_stamps.by_ids(connection, {id_ for ids in members.values() for id_ in ids})
    return [_buildset_of(row, [known[id_].stored for id_ in members[row[0]]]) for row in rows]


def _buildset_of(row: Sequence[Any], stamps: Iterable[StoredSourceStamp]) -> Buildset:
    return Buildset(
        id=row[0],
        reason=row[1],
        submitted_at=row[2],
        source_stamps=tuple(sorted(stamps, key=lambda stored: stored.stamp.codebase)),
        external_id=row[3],
        parent_build_id=row[4],
        parent_relationship=row[5],
        rebuilt_build_id=row[6],
        complete=row[7],
        complete_at=row[8],
        result=None if row[9] is None else Result(row[9]),
    )
