"""Completes buildsets with their last request."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, case, exists, false, func, select, true, update

from chargehand.domain.buildset import Buildset
from chargehand.domain.identifiers import BuildsetId
from chargehand.domain.result import Result, worse
from chargehand.events.messages import BuildsetCompleted
from chargehand.store import source_stamps
from chargehand.store.engine.columns import ids_as_json
from chargehand.store.engine.mapping import Rows
from chargehand.store.engine.portable import Updating, is_among
from chargehand.store.engine.tables import buildsets, requests
from chargehand.store.engine.transaction import Transaction

_buildset = buildsets.c

_buildsets = Rows(Buildset, buildsets, elsewhere=("source_stamps",))
BUILDSET_COLUMNS = _buildsets.columns

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
    """Complete the buildsets without open requests, with the worst result."""
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
    return [_buildsets.of(row, source_stamps=tuple(stamps[row[0]])) for row in rows]
