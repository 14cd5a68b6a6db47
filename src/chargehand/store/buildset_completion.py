"""When the last request of a buildset is complete, so is the buildset."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, case, exists, false, func, select, true, update

from chargehand.domain.buildset import Buildset
from chargehand.domain.identifiers import BuildsetId
from chargehand.domain.result import Result, worse
from chargehand.domain.source_stamp import StoredSourceStamp
from chargehand.events.messages import BuildsetCompleted
from chargehand.store import source_stamps
from chargehand.store.columns import ids_as_json
from chargehand.store.portable import Updating, is_among
from chargehand.store.tables import buildsets, requests
from chargehand.store.transaction import Transaction

_buildset = buildsets.c

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
_COMPLETE = Updating(
    update(buildsets)
    .where(*_IS_DONE)
    .values(
        complete=true(),
        complete_at=bindparam("now"),
        result=case(
            {rank: result.value for rank, result in enumerate(_BY_SEVERITY)},
            value=_worst.scalar_subquery(),
        ),
    ),
    BUILDSET_COLUMNS,
    select(*BUILDSET_COLUMNS).where(*_IS_DONE),
)
_BY_IDS = select(*BUILDSET_COLUMNS).where(is_among(_buildset.id))


def complete_if_done(transaction: Transaction, buildset_ids: Iterable[BuildsetId]) -> None:
    """Complete those of the buildsets that have no open request any more, with the worst result."""
    connection = transaction.connection
    values = {"ids": ids_as_json(buildset_ids), "now": transaction.now}
    if connection.dialect.name != "sqlite":
        # Two masters that complete the last two requests at once do not see each other's. The lock
        # on the buildset makes the second wait for the first one's commit and look after it; on
        # SQLite there is one writer anyway.
        connection.execute(_LOCK, values)
    rows = _COMPLETE.rows(connection, values)
    if not rows:
        return
    if not connection.dialect.update_returning:
        rows = connection.execute(_BY_IDS, {"ids": ids_as_json(row[0] for row in rows)}).all()
    for buildset in buildsets_of(connection, rows):
        transaction.announce(BuildsetCompleted(buildset=buildset))


def buildsets_of(connection: Connection, rows: Iterable[Sequence[Any]]) -> list[Buildset]:
    """Return the values of rows of `BUILDSET_COLUMNS`, with one query for their source stamps."""
    rows = list(rows)
    stamps = source_stamps.of_buildsets(connection, [row[0] for row in rows])
    return [_buildset_of(row, stamps[row[0]]) for row in rows]


def _buildset_of(row: Sequence[Any], stamps: Iterable[StoredSourceStamp]) -> Buildset:
    return Buildset(
        id=row[0],
        reason=row[1],
        submitted_at=row[2],
        source_stamps=tuple(stamps),
        external_id=row[3],
        parent_build_id=row[4],
        parent_relationship=row[5],
        rebuilt_build_id=row[6],
        complete=row[7],
        complete_at=row[8],
        result=None if row[9] is None else Result(row[9]),
    )
