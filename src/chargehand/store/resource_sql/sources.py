"""Changes, source stamps, buildsets, requests: what is to be built."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, exists, func, select

from chargehand.resources.query import Query
from chargehand.store.columns import as_json, ids_as_json, properties_of_json
from chargehand.store.portable import is_among, seconds
from chargehand.store.resource_sql.shapes import (
    Column,
    Kind,
    Related,
    Scope,
    by,
    grouped,
    json,
    plain,
    scope,
    time,
)
from chargehand.store.tables import (
    builders,
    buildset_source_stamps,
    buildsets,
    changes,
    patches,
    requests,
    source_stamps,
)

_stamp = source_stamps.c
_change = changes.c
_buildset = buildsets.c
_request = requests.c
_of_buildset = buildset_source_stamps.c

# What the REST API has as the result of what is not complete.
_NO_RESULT = -1


def _result(column: Any) -> Column:
    return plain(func.coalesce(column, _NO_RESULT))


_PATCHES = select(
    patches.c.id,
    patches.c.body,
    patches.c.level,
    patches.c.subdir,
    patches.c.author,
    patches.c.comment,
).where(is_among(patches.c.id))


def _load_patches(connection: Connection, ids: list[Any], _query: Query) -> Mapping[Any, Any]:
    wanted = [id_ for id_ in ids if id_ is not None]
    if not wanted:
        return {}
    rows = connection.execute(_PATCHES, {"ids": ids_as_json(wanted)})
    return {
        row[0]: {
            "patchid": row[0],
            "body": bytes(row[1]).decode(errors="replace"),
            "level": row[2],
            "subdir": row[3],
            "author": row[4],
            "comment": row[5],
        }
        for row in rows
    }


def _is_of_buildset(placeholder: str) -> Scope:
    return lambda given: exists().where(
        _of_buildset.source_stamp_id == _stamp.id,
        _of_buildset.buildset_id == given[placeholder],
    )


SOURCE_STAMPS = Kind(
    source=source_stamps,
    identity=_stamp.id,
    fields={
        "ssid": plain(_stamp.id),
        "revision": plain(_stamp.revision),
        "branch": plain(_stamp.branch),
        "repository": plain(_stamp.repository),
        "project": plain(_stamp.project),
        "codebase": plain(_stamp.codebase),
        "patch": Related(key=_stamp.patch_id, load=_load_patches, otherwise=lambda: None),
        "created_at": time(_stamp.created_at),
    },
    scopes=(
        *by(_stamp.id, "ssid"),
        *(scope(name)(_is_of_buildset(name)) for name in ("buildsetid", "bsid")),
    ),
)

_STAMP_COLUMNS = (
    _stamp.id,
    _stamp.revision,
    _stamp.branch,
    _stamp.repository,
    _stamp.project,
    _stamp.codebase,
    _stamp.patch_id,
    seconds(_stamp.created_at),
)
_STAMPS = select(_stamp.id, *_STAMP_COLUMNS).where(is_among(_stamp.id))
_STAMPS_OF_BUILDSETS = (
    select(_of_buildset.buildset_id, *_STAMP_COLUMNS)
    .select_from(buildset_source_stamps.join(source_stamps))
    .where(is_among(_of_buildset.buildset_id))
    .order_by(_stamp.codebase, _stamp.id)
)


def _stamp_resources(
    connection: Connection, statement: Any, ids: list[Any], query: Query
) -> list[tuple[Any, dict[str, Any]]]:
    rows: Sequence[Sequence[Any]] = connection.execute(
        statement, {"ids": ids_as_json(set(ids))}
    ).all()
    found = _load_patches(connection, [row[7] for row in rows], query)
    return [
        (
            row[0],
            {
                "ssid": row[1],
                "revision": row[2],
                "branch": row[3],
                "repository": row[4],
                "project": row[5],
                "codebase": row[6],
                "patch": found.get(row[7]),
                "created_at": row[8],
            },
        )
        for row in rows
    ]


def _load_stamps(connection: Connection, ids: list[Any], query: Query) -> Mapping[Any, Any]:
    return dict(_stamp_resources(connection, _STAMPS, ids, query))


def _load_stamps_of_buildsets(
    connection: Connection, ids: list[Any], query: Query
) -> Mapping[Any, Any]:
    return grouped(_stamp_resources(connection, _STAMPS_OF_BUILDSETS, ids, query))


def _load_parents(_connection: Connection, ids: list[Any], _query: Query) -> Mapping[Any, Any]:
    return {id_: [id_] for id_ in ids if id_ is not None}


def _sourced(text: str) -> dict[str, Any]:
    return {name: [value, source] for name, (value, source) in properties_of_json(text).items()}


CHANGES = Kind(
    source=changes,
    identity=_change.id,
    fields={
        "changeid": plain(_change.id),
        "parent_changeids": Related(
            key=_change.parent_id,
            load=_load_parents,
            otherwise=list,
            contains=lambda value: _change.parent_id == value,
        ),
        "author": plain(_change.author),
        "committer": plain(_change.committer),
        "files": json(_change.files, is_list=True),
        "comments": plain(_change.comments),
        "revision": plain(_change.revision),
        "when_timestamp": time(_change.when_timestamp),
        "branch": plain(_change.branch),
        "category": plain(_change.category),
        "revlink": plain(_change.revlink),
        "properties": Column(
            selected=_change.properties, compared=_change.properties, decode=_sourced
        ),
        "repository": plain(_change.repository),
        "project": plain(_change.project),
        "codebase": plain(_change.codebase),
        "sourcestamp": Related(
            key=_change.source_stamp_id, load=_load_stamps, otherwise=lambda: None
        ),
    },
    scopes=(
        *by(_change.id, "changeid"),
        *by(_change.source_stamp_id, "ssid"),
        # Filled in by `chargehand.store.resource_sql.blame`.
        scope("changeids")(lambda parameters: is_among(_change.id, "scope_changeids")),
    ),
)

BUILDSETS = Kind(
    source=buildsets,
    identity=_buildset.id,
    fields={
        "bsid": plain(_buildset.id),
        "external_idstring": plain(_buildset.external_id),
        "reason": plain(_buildset.reason),
        "rebuilt_buildid": plain(_buildset.rebuilt_build_id),
        "submitted_at": time(_buildset.submitted_at),
        "complete": plain(_buildset.complete),
        "complete_at": time(_buildset.complete_at),
        "results": _result(_buildset.result),
        "sourcestamps": Related(key=_buildset.id, load=_load_stamps_of_buildsets, otherwise=list),
        "parent_buildid": plain(_buildset.parent_build_id),
        "parent_relationship": plain(_buildset.parent_relationship),
    },
    scopes=by(_buildset.id, "bsid", "buildsetid"),
)

_REQUEST_PROPERTIES = (
    select(_request.id, _buildset.properties, _request.properties)
    .select_from(requests.join(buildsets))
    .where(is_among(_request.id))
)


def _load_request_properties(
    connection: Connection, ids: list[Any], query: Query
) -> Mapping[Any, Any]:
    if not query.properties:
        return {}
    wanted = None if "*" in query.properties else set(query.properties)
    found = {}
    for id_, of_buildset, own in connection.execute(_REQUEST_PROPERTIES, {"ids": as_json(ids)}):
        sourced = {**_sourced(of_buildset), **(_sourced(own) if own else {})}
        found[id_] = {
            name: value for name, value in sourced.items() if wanted is None or name in wanted
        }
    return found


REQUESTS = Kind(
    source=requests,
    identity=_request.id,
    fields={
        "buildrequestid": plain(_request.id),
        "buildsetid": plain(_request.buildset_id),
        "builderid": plain(_request.builder_id),
        "priority": plain(_request.priority),
        "claimed": plain(_request.claimed),
        "claimed_at": time(_request.claimed_at),
        "claimed_by_masterid": plain(_request.claimed_by),
        "complete": plain(_request.complete),
        "results": _result(_request.result),
        "submitted_at": time(_request.submitted_at),
        "complete_at": time(_request.complete_at),
        "waited_for": plain(_request.waited_for),
        "properties": Related(
            key=_request.id, load=_load_request_properties, otherwise=lambda: None
        ),
    },
    scopes=(
        *by(_request.id, "buildrequestid"),
        *by(_request.builder_id, "builderid"),
        scope("buildername")(
            lambda parameters: (
                _request.builder_id
                == select(builders.c.id)
                .where(builders.c.name == parameters["buildername"])
                .scalar_subquery()
            )
        ),
    ),
)
