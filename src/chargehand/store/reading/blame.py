"""Which changes a build is about: those since the builder's last successful build."""

from __future__ import annotations

from sqlalchemy import bindparam, func, select

from chargehand.domain.result import Result
from chargehand.resources.query import Scope
from chargehand.store.engine.columns import ids_as_json
from chargehand.store.engine.portable import is_among
from chargehand.store.engine.reading import Reading
from chargehand.store.engine.tables import builds, buildset_source_stamps, changes, requests
from chargehand.store.reading.running import build_path_in, existing_build

_build = builds.c
_change = changes.c
_of_buildset = buildset_source_stamps.c

_FARTHEST = 1000
"""How many changes are looked at where there was no good build yet."""

_CHANGES_OF_BUILD = (
    select(_change.codebase, _change.id)
    .join(
        buildset_source_stamps,
        _of_buildset.source_stamp_id == _change.source_stamp_id,
    )
    .join(requests, requests.c.buildset_id == _of_buildset.buildset_id)
    .join(builds, _build.request_id == requests.c.id)
    .where(_build.id == bindparam("build"))
    .order_by(_change.id)
)
_BUILDER = select(_build.builder_id).where(_build.id == bindparam("build")).scalar_subquery()
_LAST_SUCCESS = select(func.max(_build.id)).where(
    _build.builder_id == _BUILDER,
    _build.id < bindparam("build"),
    _build.result == int(Result.SUCCESS),
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

    Where no build was good so far, that is back to the beginning, within reason.
    """
    own = _changes_of(reading, build_id)
    last = reading.execute(_LAST_SUCCESS, {"build": build_id}).scalar()
    known = {} if last is None else _changes_of(reading, last)
    found: set[int] = set()
    for codebase, ids in own.items():
        found.update(ids)
        if codebase in known or last is None:
            bound = max(known.get(codebase) or [max(ids) - _FARTHEST])
            values = {"ids": ids_as_json(ids), "bound": bound}
            found.update(reading.execute(_LINE, values).scalars())
    return found


def _changes_of(reading: Reading, build_id: int) -> dict[str, list[int]]:
    """Return the changes that a build began with, by codebase."""
    found: dict[str, list[int]] = {}
    for codebase, change_id in reading.execute(_CHANGES_OF_BUILD, {"build": build_id}):
        found.setdefault(codebase, []).append(change_id)
    return found
