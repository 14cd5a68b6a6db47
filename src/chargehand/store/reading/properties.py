"""Properties: of a build, a buildset, or a change."""

from __future__ import annotations

from sqlalchemy import bindparam, select

from chargehand.domain.properties import PropertyMap
from chargehand.kit.passwords import without_passwords_in
from chargehand.resources.field import Resource, sourced
from chargehand.resources.query import Query, Scope
from chargehand.store.engine.columns import as_json, shown_of_json, shown_properties_of_json
from chargehand.store.engine.reading import Reading
from chargehand.store.engine.tables import build_properties, buildsets, changes
from chargehand.store.reading.running import build_path_in, existing_build

_property = build_properties.c

_OF_BUILD = (
    select(_property.name, _property.value, _property.source)
    .where(_property.build_id == bindparam("build"))
    .order_by(_property.name)
)
_OF_BUILDSET = select(buildsets.c.properties).where(buildsets.c.id == bindparam("of"))
_OF_CHANGE = select(changes.c.properties).where(changes.c.id == bindparam("of"))


def as_one(reading: Reading, query: Query) -> list[Resource]:
    """Return one row, ``{name: [value, source]}``; none when there is no such thing."""
    found = _shown_properties(reading, query)
    return [] if found is None else [sourced(found)]


def as_list(reading: Reading, query: Query) -> list[Resource]:
    """Return a row for each property: ``name``, ``value`` (as JSON text), ``source``."""
    found = _shown_properties(reading, query) or {}
    return [
        {"name": name, "value": as_json(value), "source": source}
        for name, (value, source) in found.items()
    ]


def _shown_properties(reading: Reading, query: Query) -> PropertyMap | None:
    found = _properties(reading, query.scope)
    return found if query.reveals else without_passwords_in(found)


def _properties(reading: Reading, scope: Scope) -> PropertyMap | None:
    path = build_path_in(scope)
    if path is not None:
        values = {f"scope_{name}": scope[name] for name in path}
        build_id = reading.execute(existing_build(path), values).scalar()
        if build_id is None:
            return None
        rows = reading.execute(_OF_BUILD, {"build": build_id})
        return {name: (shown_of_json(value), source) for name, value, source in rows}
    statement = _OF_CHANGE if "changeid" in scope else _OF_BUILDSET
    found = reading.execute(statement, {"of": next(iter(scope.values()))}).scalar()
    return None if found is None else shown_properties_of_json(found)
