"""Completes buildsets with their last request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, bindparam, case, exists, false, func, select, true, update

from chargehand.domain.buildset import Buildset
from chargehand.domain.identifiers import BuildsetId
from chargehand.domain.result import Result, worse
from chargehand.domain.source_stamp import StoredSourceStamp
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


KnownStamps = Mapping[BuildsetId, Sequence[StoredSourceStamp]]
"""Source stamps of buildsets, which never get others."""


def complete_if_done(
    transaction: Transaction,
    buildset_ids: Iterable[BuildsetId],
    known: KnownStamps = MappingProxyType({}),
) -> None:
    """Complete the buildsets without open requests, with the worst result.

    Source stamps that are *known* are not read again.
    """
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
    for buildset in buildsets_of(connection, rows, known):
        transaction.announce(BuildsetCompleted(buildset=buildset))


def buildsets_of(
    connection: Connection,
    rows: Iterable[Sequence[Any]],
    known: KnownStamps = MappingProxyType({}),
) -> list[Buildset]:
    """Return the values of rows of `BUILDSET_COLUMNS`, with one query for the source stamps that
    are not *known*."""
    rows = list(rows)
    unknown = [row[0] for row in rows if row[0] not in known]
    stamps = {**known, **(source_stamps.of_buildsets(connection, unknown) if unknown else {})}
    return [_buildsets.of(row, source_stamps=tuple(stamps.get(row[0], ()))) for row in rows]
