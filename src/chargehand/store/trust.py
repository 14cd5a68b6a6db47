"""How far new buildsets are trusted, by what the store knows of their sources and origins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Connection,
    bindparam,
    literal_column,
    or_,
    select,
    true,
)

from chargehand.domain.buildset import NewBuildset
from chargehand.domain.source_stamp import StoredSourceStamp
from chargehand.domain.trust import FULL, Judgement, TrustLevel, lowest
from chargehand.store.engine.columns import ids_as_json
from chargehand.store.engine.portable import is_among
from chargehand.store.engine.tables import builds, buildsets, changes, requests

_change = changes.c

_SHORTEST_HASH = 40
"""Letters of a revision that is the same in all repositories, because it is made of its content."""
_MOST_CHANGES = 100

_COLUMNS = (_change.id, _change.trust)
# Who vouched for a revision vouched for what it contains: the highest one of these counts.
_OF_REVISION = (
    select(*_COLUMNS)
    .where(
        _change.revision == bindparam("revision"),
        or_(
            _change.repository == bindparam("repository"),
            bindparam("is_hash", type_=Boolean()) == true(),
        ),
    )
    .order_by(_change.id.desc())
    .limit(_MOST_CHANGES)
)
_LINE = (
    _change.repository == bindparam("repository"),
    or_(
        _change.branch.is_not_distinct_from(bindparam("branch")),
        _change.branch.is_not_distinct_from(bindparam("or_branch")),
    ),
)
# Written out, not a parameter: SQLite uses the partial index only where it sees the condition.
_TRUSTED: ColumnElement[str] = literal_column("'trusted'")
_NEWEST_DISTRUSTED = (
    select(*_COLUMNS).where(*_LINE, _change.trust != _TRUSTED).order_by(_change.id.desc()).limit(1)
)
_NEWER_TRUSTED = (
    select(_change.id)
    .where(*_LINE, _change.id > bindparam("after"), _change.trust == _TRUSTED)
    .limit(1)
)
_ORIGINS = (
    select(builds.c.id, buildsets.c.trust)
    .select_from(builds.join(requests).join(buildsets))
    .where(is_among(builds.c.id))
    .order_by(builds.c.id)
)


def trust_of(stored: object) -> TrustLevel:
    """Return the level of a row; a damaged one trusts nobody."""
    try:
        return TrustLevel(str(stored))
    except ValueError:
        return TrustLevel.UNTRUSTED


def judged(
    connection: Connection, new: NewBuildset, stamps: Sequence[StoredSourceStamp]
) -> Judgement:
    """Return the lowest level of what *new* says, of its sources, and of where it comes from."""
    unjudged = [stored for stored in stamps if stored.id not in new.judged_stamps]
    return lowest(
        (
            Judgement(new.trust, new.trust_reason),
            *_of_origins(connection, new),
            *(_of_stamp(connection, stored, new.unknown_revisions) for stored in unjudged),
        )
    )


def _of_origins(connection: Connection, new: NewBuildset) -> Iterator[Judgement]:
    ids = [one for one in (new.parent_build_id, new.rebuilt_build_id) if one is not None]
    if not ids:
        return
    for build_id, trust in connection.execute(_ORIGINS, {"ids": ids_as_json(ids)}):
        verb = "triggered by" if build_id == new.parent_build_id else "a rebuild of"
        yield Judgement(trust_of(trust), f"{verb} build {build_id}")


def _of_stamp(
    connection: Connection, stored: StoredSourceStamp, unknown_revisions: TrustLevel
) -> Judgement:
    stamp = stored.stamp
    if not stamp.revision:
        # Forms leave empty what somebody else leaves out.
        either = (stamp.branch, stamp.branch) if stamp.branch else (None, "")
        line = {"repository": stamp.repository, "branch": either[0], "or_branch": either[1]}
        return _of_branch(connection, line)
    values = {
        "revision": stamp.revision,
        "repository": stamp.repository,
        "is_hash": len(stamp.revision) >= _SHORTEST_HASH,
    }
    rows = connection.execute(_OF_REVISION, values).all()
    if not rows:
        return Judgement(unknown_revisions, f"no change has brought revision {stamp.revision}")
    number, level = max(
        ((number, trust_of(trust)) for number, trust in rows), key=lambda one: one[1].rank
    )
    return Judgement(level, f"change {number}, which brought revision {stamp.revision}")


def _of_branch(connection: Connection, line: dict[str, str | None]) -> Judgement:
    newest = connection.execute(_NEWEST_DISTRUSTED, line).first()
    if newest is None or connection.execute(_NEWER_TRUSTED, {**line, "after": newest[0]}).first():
        return FULL
    return Judgement(trust_of(newest[1]), f"change {newest[0]}, the newest one of its branch")
