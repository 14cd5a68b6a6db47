"""What rows of builds and builders have in addition with ``cause``: why something was built."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import func, select

from chargehand.kit.values import replace
from chargehand.resources.field import Resource
from chargehand.resources.query import Query
from chargehand.store.engine.columns import ids_as_json
from chargehand.store.engine.portable import is_among
from chargehand.store.engine.reading import Reading
from chargehand.store.engine.tables import builds as table
from chargehand.store.engine.tables import (
    buildset_source_stamps,
    buildsets,
    changes,
    requests,
    source_stamps,
)

_ARGUMENT = "cause"
_KEY = "buildid"
_SUBJECT = 200

_newest = (
    select(func.max(changes.c.id))
    .where(changes.c.source_stamp_id == source_stamps.c.id)
    .correlate(source_stamps)
    .scalar_subquery()
)
_CAUSES = (
    select(
        table.c.id,
        buildsets.c.reason,
        source_stamps.c.branch,
        source_stamps.c.revision,
        changes.c.id,
        changes.c.author,
        # A change may have written a whole book: what is wanted is its first line.
        func.substr(func.trim(changes.c.comments), 1, 4 * _SUBJECT),
    )
    .select_from(
        table.join(requests, requests.c.id == table.c.request_id)
        .join(buildsets, buildsets.c.id == requests.c.buildset_id)
        .outerjoin(buildset_source_stamps, buildset_source_stamps.c.buildset_id == buildsets.c.id)
        .outerjoin(source_stamps, source_stamps.c.id == buildset_source_stamps.c.source_stamp_id)
        .outerjoin(changes, changes.c.id == _newest)
    )
    .where(is_among(table.c.id))
    .order_by(table.c.id, changes.c.id)
)


def prepared(query: Query) -> Query:
    """Return what to ask for; afterwards `add` has all that it needs."""
    is_whole = not query.fields or _KEY in query.fields
    if is_whole or query.kind == "builders" or not query.arguments.get(_ARGUMENT):
        return query
    return replace(query, fields=(*query.fields, _KEY))


def add(reading: Reading, query: Query, rows: Sequence[Resource]) -> None:
    """Add causes to the rows that *query*, as it came, asked for.

    Those of builders have recent builds already, and say why the newest one was built.
    """
    if not query.arguments.get(_ARGUMENT):
        return
    if query.kind == "builders":
        recent = [row.get("recent_builds") for row in rows]
        newest = [builds[0][_KEY] if builds else None for builds in recent]
    else:
        newest = [row[_KEY] for row in rows]
    found = _of_builds(reading, newest)
    for row, build in zip(rows, newest, strict=True):
        row["cause"] = None if build is None else found.get(build)
        if query.kind != "builders" and query.fields and _KEY not in query.fields:
            del row[_KEY]


def _of_builds(reading: Reading, ids: Iterable[int | None]) -> Mapping[int, Resource]:
    """Return by the build why each was built: its newest change, else what it was asked for."""
    causes: dict[int, Resource] = {}
    for build, reason, branch, revision, change, author, comments in reading.execute(
        _CAUSES, {"ids": ids_as_json(ids)}
    ):
        if build in causes and change is None:
            continue
        causes[build] = {
            "reason": reason,
            "branch": branch,
            "revision": revision,
            "changeid": change,
            "author": author,
            "subject": None if comments is None else comments.split("\n", 1)[0][:_SUBJECT].strip(),
        }
    return causes
