"""Changes of a build: those since the last successful build of the same branch.

A builder builds many branches, and several codebases in one build. What is known of its earlier
builds counts for one *line* only: a branch of a repository, as a codebase of a project.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from sqlalchemy import Row, bindparam, func, or_, select

from chargehand.domain.result import Result
from chargehand.resources.query import Scope
from chargehand.store.engine.columns import ids_as_json
from chargehand.store.engine.portable import is_among
from chargehand.store.engine.reading import Reading
from chargehand.store.engine.tables import (
    builds,
    buildset_changes,
    buildset_source_stamps,
    changes,
    requests,
    source_stamps,
)
from chargehand.store.reading.running import build_path_in, existing_build

_build = builds.c
_change = changes.c
_stamp = source_stamps.c
_of_buildset = buildset_source_stamps.c

_FARTHEST = 1000
"""How many builds and changes are looked at where there was no good build yet."""

_LINE_COLUMNS = ("codebase", "project", "repository", "branch")
_Line = tuple[str, str, str, str | None]

_STAMPS_OF = select(_of_buildset.source_stamp_id).where(
    _of_buildset.buildset_id == bindparam("buildset")
)
_COLLECTED_BY = select(buildset_changes.c.change_id).where(
    buildset_changes.c.buildset_id == bindparam("buildset")
)
_IS_BUILT = or_(_change.source_stamp_id.in_(_STAMPS_OF), _change.id.in_(_COLLECTED_BY))
_IS_ON_LINE = tuple(_change[name].is_not_distinct_from(bindparam(name)) for name in _LINE_COLUMNS)
_BUILD = (
    select(_build.builder_id, _build.number, requests.c.buildset_id)
    .join(requests, _build.request_id == requests.c.id)
    .where(_build.id == bindparam("build"))
)
_CHANGES_OF_BUILDSET = select(_change.id, *(_change[name] for name in _LINE_COLUMNS)).where(
    _IS_BUILT
)
_LAST_SUCCESS = (
    select(requests.c.buildset_id, _stamp.revision, _build.started_at)
    .select_from(
        builds.join(requests, _build.request_id == requests.c.id)
        .join(buildset_source_stamps, _of_buildset.buildset_id == requests.c.buildset_id)
        .join(source_stamps, _of_buildset.source_stamp_id == _stamp.id)
    )
    .where(
        _build.builder_id == bindparam("builder"),
        _build.number < bindparam("number"),
        _build.number >= bindparam("number") - _FARTHEST,
        _build.result == int(Result.SUCCESS),
        *(_stamp[name].is_not_distinct_from(bindparam(name)) for name in _LINE_COLUMNS),
    )
    .order_by(_build.number.desc())
    .limit(1)
)
_NEWEST_BUILT = select(func.max(_change.id)).where(_IS_BUILT, *_IS_ON_LINE)
_NEWEST_OF_REVISION = select(func.max(_change.id)).where(
    _change.revision == bindparam("revision"), *_IS_ON_LINE
)
_NEWEST_KNOWN = (
    select(func.max(_change.id))
    .join(source_stamps, _change.source_stamp_id == _stamp.id)
    .where(_stamp.created_at <= bindparam("moment"), *_IS_ON_LINE)
)
_line = (
    select(_change.id, _change.parent_id)
    .where(is_among(_change.id), _change.id > bindparam("bound"))
    .cte("line", recursive=True)
)
_LINE = select(
    _line.union(
        select(_change.id, _change.parent_id).where(
            _change.id == _line.c.parent_id, _change.id > bindparam("bound")
        )
    ).c.id
)


def narrowed(reading: Reading, scope: Scope) -> Scope:
    """Return *scope* with the changes of a build in place of the build."""
    path = build_path_in(scope)
    if path is None:
        return dict(scope)
    rest = {name: value for name, value in scope.items() if name not in path}
    values = {f"scope_{name}": scope[name] for name in path}
    build_id = reading.execute(existing_build(path), values).scalar()
    found = () if build_id is None else _changes(reading, build_id)
    return {**rest, "changeids": ids_as_json(found)}


def _changes(reading: Reading, build_id: int) -> set[int]:
    """Return a build's own changes, and their parents back to what the last good build had.

    Where no build of the line was good so far, that is back to the beginning, within reason.
    """
    build = reading.execute(_BUILD, {"build": build_id}).first()
    if build is None:
        return set()
    builder_id, number, buildset_id = build
    lines: dict[_Line, list[int]] = defaultdict(list)
    for change_id, *line in reading.execute(_CHANGES_OF_BUILDSET, {"buildset": buildset_id}):
        lines[_as_line(line)].append(change_id)
    found: set[int] = set()
    for each, ids in lines.items():
        on_line = dict(zip(_LINE_COLUMNS, each, strict=True))
        values = {"builder": builder_id, "number": number, **on_line}
        last = reading.execute(_LAST_SUCCESS, values).first()
        bound = _newest_change(reading, last, on_line) if last else None
        bound = max(ids) - _FARTHEST if bound is None else bound
        found.update(ids)
        found.update(reading.execute(_LINE, {"ids": ids_as_json(ids), "bound": bound}).scalars())
    return found


def _newest_change(
    reading: Reading, build: Row[Any, Any, Any], on_line: dict[str, str | None]
) -> int | None:
    """Return the newest change that a build had of a line.

    One that was started by hand, or for another codebase's change, has none of its own: it had
    those up to its revision, or all that were known when it started.
    """
    buildset_id, revision, started_at = build
    built = reading.execute(_NEWEST_BUILT, {"buildset": buildset_id, **on_line}).scalar()
    if built is not None:
        return int(built)
    if revision:  # the form of a forced build leaves it empty
        values = {"revision": revision, **on_line}
        newest = reading.execute(_NEWEST_OF_REVISION, values).scalar()
    else:
        newest = reading.execute(_NEWEST_KNOWN, {"moment": started_at, **on_line}).scalar()
    return None if newest is None else int(newest)


def _as_line(values: list[Any]) -> _Line:
    codebase, project, repository, branch = values
    return codebase, project, repository, branch
