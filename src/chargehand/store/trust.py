"""How far new buildsets are trusted, by what the store knows of their sources and origins."""

from __future__ import annotations

import re
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
from chargehand.domain.trust import FULL, Judgement, TrustLevel, lowest, trust_of
from chargehand.store.engine.columns import ids_as_json
from chargehand.store.engine.portable import is_among
from chargehand.store.engine.tables import builds, buildsets, changes, requests

_change = changes.c

_HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}", re.IGNORECASE)
"""A revision that is the same in all repositories, because it is made of its content."""
_ELSEWHERE = re.compile(
    r"\+|refs/(?!heads/|tags/)|pull/|pull-requests/|merge-requests/|changes/|pr/", re.IGNORECASE
)
"""Where forges keep commits of forks in the main repository, as ``git fetch`` may be asked."""
_HEADS = "refs/heads/"
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
_ANY_DISTRUSTED = select(_change.id).where(_change.trust != _TRUSTED).limit(1)
_ORIGINS = (
    select(builds.c.id, buildsets.c.trust)
    .select_from(builds.join(requests).join(buildsets))
    .where(is_among(builds.c.id))
    .order_by(builds.c.id)
)


def judged(
    connection: Connection, new: NewBuildset, stamps: Sequence[StoredSourceStamp]
) -> Judgement:
    """Return the lowest level of what *new* says, of its sources, and of where it comes from."""
    unjudged = [stored for stored in stamps if stored.id not in new.judged_stamps]
    unknown = new.unknown_revisions if unjudged else TrustLevel.TRUSTED
    if unknown is None:
        is_doubted = connection.execute(_ANY_DISTRUSTED).first() is not None
        unknown = TrustLevel.UNTRUSTED if is_doubted else TrustLevel.TRUSTED
    return lowest(
        (
            Judgement(new.trust, new.trust_reason),
            *_of_origins(connection, new),
            *(_of_stamp(connection, stored, unknown) for stored in unjudged),
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
    revision, branch = stamp.revision or "", stamp.branch or ""
    if not revision and _HASH.fullmatch(branch):
        revision = branch  # That is what git fetches.
    if not revision:
        # Forms leave empty what somebody else leaves out.
        either = (branch, branch.removeprefix(_HEADS)) if branch else (None, "")
        line = {"repository": stamp.repository, "branch": either[0], "or_branch": either[1]}
        return _of_branch(connection, line, branch, unknown_revisions)
    is_hash = _HASH.fullmatch(revision) is not None
    values = {
        "revision": revision.lower() if is_hash else revision,
        "repository": stamp.repository,
        "is_hash": is_hash,
    }
    rows = connection.execute(_OF_REVISION, values).all()
    if not rows:
        hint = "" if is_hash else "; changes are known by their whole revision"
        return Judgement(unknown_revisions, f"no change has brought revision {revision}{hint}")
    number, level = max(
        ((number, trust_of(trust)) for number, trust in rows), key=lambda one: one[1].rank
    )
    return Judgement(level, f"change {number}, which brought revision {revision}")


def _of_branch(
    connection: Connection, line: dict[str, str | None], branch: str, unknown: TrustLevel
) -> Judgement:
    if _ELSEWHERE.match(branch):
        trusted = connection.execute(_NEWER_TRUSTED, {**line, "after": 0}).first()
        if trusted is None and connection.execute(_NEWEST_DISTRUSTED, line).first() is None:
            return Judgement(unknown, f"no change has brought {branch}, which is no branch")
    newest = connection.execute(_NEWEST_DISTRUSTED, line).first()
    if newest is None or connection.execute(_NEWER_TRUSTED, {**line, "after": newest[0]}).first():
        return FULL
    return Judgement(trust_of(newest[1]), f"change {newest[0]}, the newest one of its branch")
