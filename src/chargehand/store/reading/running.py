"""Builds, steps, logs, and build data: paths, and builds' properties."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

from sqlalchemy import BindParameter, ColumnElement, ScalarSelect, Select, Table, and_, or_, select

from chargehand.kit.passwords import without_passwords_in
from chargehand.resources import builds as described
from chargehand.resources.field import Resource
from chargehand.resources.query import Query
from chargehand.store.engine.columns import as_json, ids_as_json, shown_of_json
from chargehand.store.engine.portable import is_among
from chargehand.store.engine.reading import Reading
from chargehand.store.engine.tables import (
    build_data,
    build_properties,
    builders,
    builds,
    buildset_changes,
    buildset_source_stamps,
    buildsets,
    changes,
    logs,
    requests,
    steps,
)
from chargehand.store.reading.binding import bound
from chargehand.store.reading.shapes import (
    Column,
    Expression,
    Key,
    Kind,
    Parameters,
    Related,
    Scope,
    parameter,
    scope,
)

_build = builds.c
_step = steps.c
_log = logs.c
_data = build_data.c
_property = build_properties.c

BUILD_PATHS = (("builderid", "build_number"), ("buildername", "build_number"), ("buildid",))
"""The ways in which paths name one build."""
_STEP_NAMES = ("step_name", "step_number")

BuildId = BindParameter[object] | ScalarSelect[int]

_PROPERTIES = select(_property.build_id, _property.name, _property.value, _property.source).where(
    is_among(_property.build_id)
)
_NAMED_PROPERTIES = _PROPERTIES.where(is_among(_property.name, "names"))


def builder_named(parameters: Parameters) -> ScalarSelect[int]:
    """Return an expression for the identifier of the builder that a path names."""
    name = parameters["buildername"]
    return select(builders.c.id).where(builders.c.name == name).scalar_subquery()


def _is_build(parameters: Parameters, path: Sequence[str]) -> list[ColumnElement[bool]]:
    if path[0] == "buildid":
        return [_build.id == parameters["buildid"]]
    by_id = path[0] == "builderid"
    builder = parameters["builderid"] if by_id else builder_named(parameters)
    return [_build.builder_id == builder, _build.number == parameters["build_number"]]


def build_id_of(parameters: Parameters, path: Sequence[str]) -> BuildId:
    """Return an expression for the identifier of the build that a path names."""
    if path[0] == "buildid":
        return parameters["buildid"]
    return select(_build.id).where(*_is_build(parameters, path)).scalar_subquery()


@lru_cache
def existing_build(path: tuple[str, ...]) -> Select[int]:
    """Return the query for the identifier of the build that a path names, if there is one."""
    given = {name: parameter(name) for name in path}
    return select(_build.id).where(_build.id == build_id_of(given, path))


def build_path_in(names: Iterable[str]) -> tuple[str, ...] | None:
    """Return which of a path's placeholders name a build, None when they do not."""
    given = set(names)
    return next((path for path in BUILD_PATHS if given.issuperset(path)), None)


def _of_build(column: Expression, path: Sequence[str]) -> Scope:
    return lambda parameters: column == build_id_of(parameters, path)


def _of_step(path: Sequence[str], step: str) -> Scope:
    column = _step.name if step == "step_name" else _step.number

    def condition(parameters: Parameters) -> ColumnElement[bool]:
        found = select(_step.id).where(
            _step.build_id == build_id_of(parameters, path), column == parameters[step]
        )
        return _log.step_id == found.scalar_subquery()

    return condition


def _load_properties(reading: Reading, ids: Sequence[Key], query: Query) -> dict[Key, Resource]:
    if not query.properties:
        return {}
    values = {"ids": ids_as_json(ids), "names": as_json(query.properties)}
    statement = _PROPERTIES if "*" in query.properties else _NAMED_PROPERTIES
    found: dict[Key, Resource] = {}
    for id_, name, value, source in reading.execute(statement, values):
        found.setdefault(id_, {})[name] = [shown_of_json(value), source]
    return found if query.reveals else without_passwords_in(found)


def _built_from_change(parameters: Parameters) -> ColumnElement[bool]:
    change = parameters["changeid"]
    stamp = select(changes.c.source_stamp_id).where(changes.c.id == change)
    of_buildset = buildset_source_stamps.c
    with_stamp = (
        select(requests.c.id)
        .join(buildset_source_stamps, of_buildset.buildset_id == requests.c.buildset_id)
        .where(of_buildset.source_stamp_id == stamp.scalar_subquery())
    )
    collected = (
        select(requests.c.id)
        .join(buildset_changes, buildset_changes.c.buildset_id == requests.c.buildset_id)
        .where(buildset_changes.c.change_id == change)
    )
    return or_(_build.request_id.in_(with_stamp), _build.request_id.in_(collected))


def _triggered_by(parameters: Parameters) -> ColumnElement[bool]:
    triggered = (
        select(requests.c.id)
        .join(buildsets)
        .where(buildsets.c.parent_build_id == parameters["buildid"])
    )
    return _build.request_id.in_(triggered)


_BELONGINGS = {"properties": Related(key=_build.id, load=_load_properties, otherwise=dict)}

BUILDS = bound(
    described.BUILD,
    related=_BELONGINGS,
    scopes=(
        scope("buildername")(lambda given: _build.builder_id == builder_named(given)),
        scope("changeid")(_built_from_change),
    ),
)

TRIGGERED_BUILDS = bound(
    described.BUILD, related=_BELONGINGS, scopes=(scope("buildid")(_triggered_by),)
)

# Which builds triggered others, for many builds at once: for pages.
TRIGGERS = Kind(
    source=builds.join(requests, requests.c.id == _build.request_id).join(
        buildsets, buildsets.c.id == requests.c.buildset_id
    ),
    identity=_build.id,
    fields={
        name: Column(selected=column, compared=column)
        for name, column in (
            ("parent_buildid", buildsets.c.parent_build_id),
            ("buildid", _build.id),
            ("builderid", _build.builder_id),
            ("number", _build.number),
            ("results", _build.result),
        )
    },
)

STEPS = bound(
    described.STEP,
    scopes=tuple(scope(*path)(_of_build(_step.build_id, path)) for path in BUILD_PATHS),
)


def _counted_in_build(path: Sequence[str]) -> Scope:
    def condition(parameters: Parameters) -> ColumnElement[bool]:
        return and_(_step.build_id == build_id_of(parameters, path), _step.statistics.is_not(None))

    return condition


STATISTICS = bound(
    described.STATISTICS,
    scopes=tuple(scope(*path)(_counted_in_build(path)) for path in BUILD_PATHS),
)

# How long builds and steps took, more exactly than in the REST API's whole seconds: for pages.


def _times(table: Table, identity: Expression, name: str, seconds: Expression) -> Kind:
    return Kind(
        source=table,
        identity=identity,
        fields={
            name: Column(selected=identity, compared=identity),
            "seconds": Column(selected=seconds, compared=seconds),
        },
    )


BUILD_TIMES = _times(builds, _build.id, "buildid", _build.complete_at - _build.started_at)
STEP_TIMES = _times(steps, _step.id, "stepid", _step.complete_at - _step.started_at)

LOGS = bound(
    described.LOG,
    scopes=tuple(
        scope(*path, step)(_of_step(path, step)) for path in BUILD_PATHS for step in _STEP_NAMES
    ),
)

BUILD_DATA = bound(
    described.BUILD_DATA,
    scopes=tuple(scope(*path)(_of_build(_data.build_id, path)) for path in BUILD_PATHS),
)

KINDS = {
    "build_data": BUILD_DATA,
    "build_times": BUILD_TIMES,
    "builds": BUILDS,
    "logs": LOGS,
    "statistics": STATISTICS,
    "step_times": STEP_TIMES,
    "steps": STEPS,
    "triggered_builds": TRIGGERED_BUILDS,
    "triggers": TRIGGERS,
}
"""By plural: what leads to them in a way of its own, or has something of other tables."""
