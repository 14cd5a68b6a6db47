"""Changes, source stamps, buildsets, requests: paths and related data."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import exists, select

from chargehand.domain.properties import merged
from chargehand.kit.passwords import without_passwords_in
from chargehand.resources import sources
from chargehand.resources.field import Resource, sourced
from chargehand.resources.query import Query
from chargehand.store.engine.columns import ids_as_json, shown_properties_of_json
from chargehand.store.engine.portable import is_among
from chargehand.store.engine.reading import Reading
from chargehand.store.engine.redacted import RedactedText
from chargehand.store.engine.tables import (
    buildset_source_stamps,
    buildsets,
    changes,
    patches,
    requests,
    source_stamps,
)
from chargehand.store.reading.binding import bound
from chargehand.store.reading.rows import many_of, one_of
from chargehand.store.reading.running import builder_named
from chargehand.store.reading.shapes import Key, Related, Scope, scope

_stamp = source_stamps.c
_change = changes.c
_buildset = buildsets.c
_request = requests.c
_of_buildset = buildset_source_stamps.c


def _nothing() -> None:
    return None


def _is_of_buildset(placeholder: str) -> Scope:
    return lambda given: exists().where(
        _of_buildset.source_stamp_id == _stamp.id,
        _of_buildset.buildset_id == given[placeholder],
    )


SOURCE_STAMPS = bound(
    sources.SOURCE_STAMP,
    related={
        "patch": Related(
            key=_stamp.patch_id,
            load=one_of(bound(sources.PATCH), by=patches.c.id),
            otherwise=_nothing,
        ),
    },
    scopes=tuple(scope(name)(_is_of_buildset(name)) for name in ("buildsetid", "bsid")),
)


def _load_parents(_reading: Reading, ids: Sequence[Key], _query: Query) -> dict[Key, list[int]]:
    return {id_: [id_] for id_ in ids if id_ is not None}


CHANGES = bound(
    sources.CHANGE,
    related={
        "parent_changeids": Related(
            key=_change.parent_id,
            load=_load_parents,
            otherwise=list,
            contains=lambda value: _change.parent_id == value,
        ),
        "sourcestamp": Related(
            key=_change.source_stamp_id,
            load=one_of(SOURCE_STAMPS, by=_stamp.id),
            otherwise=_nothing,
        ),
    },
    scopes=(
        scope("ssid")(lambda given: _change.source_stamp_id == given["ssid"]),
        # Filled in by `chargehand.store.reading.blame`.
        scope("changeids")(lambda _: is_among(_change.id, "scope_changeids")),
    ),
)

BUILDSETS = bound(
    sources.BUILDSET,
    related={
        "sourcestamps": Related(
            key=_buildset.id,
            load=many_of(
                SOURCE_STAMPS,
                by=_of_buildset.buildset_id,
                through=buildset_source_stamps.join(source_stamps),
                order_by=(RedactedText(_stamp.codebase), _stamp.id),
            ),
            otherwise=list,
        ),
    },
)

_REQUEST_PROPERTIES = (
    select(_request.id, _buildset.properties, _request.properties)
    .select_from(requests.join(buildsets))
    .where(is_among(_request.id))
)


def _load_request_properties(
    reading: Reading, ids: Sequence[Key], query: Query
) -> dict[Key, Resource]:
    if not query.properties:
        return {}
    wanted = None if "*" in query.properties else set(query.properties)
    found: dict[Key, Resource] = {}
    for id_, of_buildset, own in reading.execute(_REQUEST_PROPERTIES, {"ids": ids_as_json(ids)}):
        properties = merged(shown_properties_of_json(of_buildset), shown_properties_of_json(own))
        found[id_] = {
            name: value
            for name, value in sourced(properties).items()
            if wanted is None or name in wanted
        }
    return found if query.reveals else without_passwords_in(found)


REQUESTS = bound(
    sources.REQUEST,
    related={
        "properties": Related(key=_request.id, load=_load_request_properties, otherwise=_nothing),
    },
    scopes=(scope("buildername")(lambda given: _request.builder_id == builder_named(given)),),
)

KINDS = {
    "buildrequests": REQUESTS,
    "buildsets": BUILDSETS,
    "changes": CHANGES,
    "sourcestamps": SOURCE_STAMPS,
}
"""By plural: what leads to them in a way of its own, or has something of other tables."""
