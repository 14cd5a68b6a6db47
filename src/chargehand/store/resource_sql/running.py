"""Builds, steps, logs, and data of builds: what runs and ran."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Connection, ScalarSelect, select

from chargehand.resources.query import Query
from chargehand.store.columns import as_json, ids_as_json, of_json
from chargehand.store.portable import is_among
from chargehand.store.resource_sql.shapes import (
    Column,
    Kind,
    Related,
    Scope,
    by,
    json,
    plain,
    scope,
    time,
)
from chargehand.store.tables import (
    build_data,
    build_properties,
    builders,
    builds,
    buildset_source_stamps,
    buildsets,
    changes,
    logs,
    requests,
    steps,
)

_build = builds.c
_step = steps.c
_log = logs.c
_data = build_data.c
_property = build_properties.c

_Parameters = Mapping[str, BindParameter[Any]]

# The ways in which paths name one build, and one step of it.
_BUILD_PATHS = (("builderid", "build_number"), ("buildername", "build_number"), ("buildid",))
_STEP_NAMES = ("step_name", "step_number")

_PROPERTIES = select(_property.build_id, _property.name, _property.value, _property.source).where(
    is_among(_property.build_id)
)
_NAMED_PROPERTIES = _PROPERTIES.where(is_among(_property.name, "names"))


def _builder_named(parameters: _Parameters) -> ScalarSelect[Any]:
    name = parameters["buildername"]
    return select(builders.c.id).where(builders.c.name == name).scalar_subquery()


def _is_build(parameters: _Parameters, path: Sequence[str]) -> list[ColumnElement[bool]]:
    match path[0]:
        case "buildid":
            return [_build.id == parameters["buildid"]]
        case "builderid":
            builder: Any = parameters["builderid"]
        case _:
            builder = _builder_named(parameters)
    return [_build.builder_id == builder, _build.number == parameters["build_number"]]


def build_id_of(parameters: _Parameters, path: Sequence[str]) -> Any:
    """Return an expression for the identifier of the build that a path names."""
    if path[0] == "buildid":
        return parameters["buildid"]
    return select(_build.id).where(*_is_build(parameters, path)).scalar_subquery()


def build_path_in(names: Sequence[str]) -> Sequence[str] | None:
    """Return which of a path's placeholders name a build, None when they do not."""
    for path in _BUILD_PATHS:
        if set(path) <= set(names):
            return path
    return None


def _of_build(column: ColumnElement[Any], path: Sequence[str]) -> Scope:
    return lambda parameters: column == build_id_of(parameters, path)


def _is_step(parameters: _Parameters, path: Sequence[str], step: str) -> ColumnElement[bool]:
    column = _step.name if step == "step_name" else _step.number
    found = select(_step.id).where(
        _step.build_id == build_id_of(parameters, path), column == parameters[step]
    )
    return _log.step_id == found.scalar_subquery()


def _of_step(path: Sequence[str], step: str) -> Scope:
    return lambda parameters: _is_step(parameters, path, step)


def _load_properties(connection: Connection, ids: list[Any], query: Query) -> Mapping[Any, Any]:
    if not query.properties:
        return {}
    values = {"ids": ids_as_json(ids), "names": as_json(query.properties)}
    statement = _PROPERTIES if "*" in query.properties else _NAMED_PROPERTIES
    found: dict[Any, dict[str, Any]] = {}
    for id_, name, value, source in connection.execute(statement, values):
        found.setdefault(id_, {})[name] = [of_json(value), source]
    return found


_BUILD_FIELDS: dict[str, Column | Related] = {
    "buildid": plain(_build.id),
    "number": plain(_build.number),
    "builderid": plain(_build.builder_id),
    "buildrequestid": plain(_build.request_id),
    "workerid": plain(_build.worker_id),
    "masterid": plain(_build.master_id),
    "started_at": time(_build.started_at),
    "complete": plain(_build.complete),
    "complete_at": time(_build.complete_at),
    "locks_duration_s": time(_build.locks_duration),
    "results": plain(_build.result),
    "state_string": plain(_build.state),
    "properties": Related(key=_build.id, load=_load_properties, otherwise=dict),
}


def _built_from_change(parameters: _Parameters) -> ColumnElement[bool]:
    stamp = select(changes.c.source_stamp_id).where(changes.c.id == parameters["changeid"])
    of_buildset = buildset_source_stamps.c
    with_stamp = (
        select(requests.c.id)
        .join(buildset_source_stamps, of_buildset.buildset_id == requests.c.buildset_id)
        .where(of_buildset.source_stamp_id == stamp.scalar_subquery())
    )
    return _build.request_id.in_(with_stamp)


def _triggered_by(parameters: _Parameters) -> ColumnElement[bool]:
    triggered = (
        select(requests.c.id)
        .join(buildsets)
        .where(buildsets.c.parent_build_id == parameters["buildid"])
    )
    return _build.request_id.in_(triggered)


BUILDS = Kind(
    source=builds,
    identity=_build.id,
    fields=_BUILD_FIELDS,
    scopes=(
        *by(_build.id, "buildid"),
        *by(_build.builder_id, "builderid"),
        scope("buildername")(lambda given: _build.builder_id == _builder_named(given)),
        *by(_build.number, "build_number"),
        *by(_build.request_id, "buildrequestid"),
        *by(_build.worker_id, "workerid"),
        scope("changeid")(_built_from_change),
    ),
)

TRIGGERED_BUILDS = Kind(
    source=builds,
    identity=_build.id,
    fields=_BUILD_FIELDS,
    scopes=(scope("buildid")(_triggered_by),),
)

STEPS = Kind(
    source=steps,
    identity=_step.id,
    fields={
        "stepid": plain(_step.id),
        "number": plain(_step.number),
        "name": plain(_step.name),
        "buildid": plain(_step.build_id),
        "started_at": time(_step.started_at),
        "locks_acquired_at": time(_step.locks_acquired_at),
        "complete": plain(_step.complete),
        "complete_at": time(_step.complete_at),
        "results": plain(_step.result),
        "state_string": plain(_step.state),
        "urls": json(_step.urls, is_list=True),
        "hidden": plain(_step.hidden),
    },
    scopes=(
        *(scope(*path)(_of_build(_step.build_id, path)) for path in _BUILD_PATHS),
        *by(_step.id, "stepid"),
        *by(_step.name, "step_name"),
        *by(_step.number, "step_number"),
    ),
)

# How long builds and steps took, more exactly than in the REST API's whole seconds: for pages.
BUILD_TIMES = Kind(
    source=builds,
    identity=_build.id,
    fields={
        "buildid": plain(_build.id),
        "seconds": plain(_build.complete_at - _build.started_at),
    },
)

STEP_TIMES = Kind(
    source=steps,
    identity=_step.id,
    fields={
        "stepid": plain(_step.id),
        "seconds": plain(_step.complete_at - _step.started_at),
    },
)

LOGS = Kind(
    source=logs,
    identity=_log.id,
    fields={
        "logid": plain(_log.id),
        "name": plain(_log.name),
        "slug": plain(_log.slug),
        "stepid": plain(_log.step_id),
        "complete": plain(_log.complete),
        "num_lines": plain(_log.line_count),
        "type": plain(_log.type),
    },
    scopes=(
        *(
            scope(*path, step)(_of_step(path, step))
            for path in _BUILD_PATHS
            for step in _STEP_NAMES
        ),
        *by(_log.id, "logid"),
        *by(_log.step_id, "stepid"),
        *by(_log.slug, "log_slug"),
    ),
)

BUILD_DATA = Kind(
    source=build_data,
    identity=_data.id,
    fields={
        "buildid": plain(_data.build_id),
        "name": plain(_data.name),
        "length": plain(_data.length),
        "value": plain(_data.value),
        "source": plain(_data.source),
    },
    scopes=(
        *(scope(*path)(_of_build(_data.build_id, path)) for path in _BUILD_PATHS),
        *by(_data.name, "name"),
    ),
)
