"""Properties: of a build, a buildset, or a change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Connection, bindparam, select

from chargehand.domain.properties import Property
from chargehand.resources.query import Filter, Operator, Page, Query
from chargehand.store.columns import as_json, of_json, properties_of_json
from chargehand.store.resource_sql.running import build_id_of, build_path_in
from chargehand.store.resource_sql.shapes import parameter
from chargehand.store.tables import build_properties, builds, buildsets, changes

_property = build_properties.c

_OF_BUILD = (
    select(_property.name, _property.value, _property.source)
    .where(_property.build_id == bindparam("build"))
    .order_by(_property.name)
)
_OF_BUILDSET = select(buildsets.c.properties).where(buildsets.c.id == bindparam("of"))
_OF_CHANGE = select(changes.c.properties).where(changes.c.id == bindparam("of"))

_FITS: dict[Operator, Callable[[Any, tuple[Any, ...]], bool]] = {
    Operator.EQ: lambda have, values: have in values,
    Operator.IN: lambda have, values: have in values,
    Operator.NE: lambda have, values: have not in values,
    Operator.NOT_IN: lambda have, values: have not in values,
    Operator.LT: lambda have, values: have < values[0],
    Operator.LE: lambda have, values: have <= values[0],
    Operator.GT: lambda have, values: have > values[0],
    Operator.GE: lambda have, values: have >= values[0],
    Operator.CONTAINS: lambda have, values: any(value in have for value in values),
}


def as_one(connection: Connection, query: Query) -> Page:
    """Return one row, ``{name: [value, source]}``; none when there is no such thing."""
    found = _properties(connection, query.scope)
    if found is None:
        return Page(rows=[], total=0)
    row = {name: [value, source] for name, (value, source) in found.items()}
    return Page(rows=[row], total=1)


def as_list(connection: Connection, query: Query) -> Page:
    """Return a row for each property: ``name``, ``value`` (as JSON text), ``source``."""
    found = _properties(connection, query.scope) or {}
    rows: list[dict[str, Any]] = [
        {"name": name, "value": as_json(value), "source": source}
        for name, (value, source) in found.items()
    ]
    rows = [row for row in rows if all(_fits(row, condition) for condition in query.filters)]
    for order in reversed(query.order):
        rows.sort(key=lambda row: str(row[order.field]), reverse=order.descending)
    start = query.offset or 0
    page = rows[start : None if query.limit is None else start + query.limit]
    if query.fields:
        page = [{name: row[name] for name in query.fields} for row in page]
    return Page(rows=page, total=len(rows))


def _fits(row: dict[str, Any], condition: Filter) -> bool:
    return _FITS[condition.operator](row[condition.field], condition.values)


def _properties(connection: Connection, scope: Mapping[str, Any]) -> Mapping[str, Property] | None:
    path = build_path_in(tuple(scope))
    if path is not None:
        values = {f"scope_{name}": scope[name] for name in path}
        query = select(builds.c.id).where(
            builds.c.id == build_id_of({name: parameter(name) for name in path}, path)
        )
        build_id = connection.execute(query, values).scalar()
        if build_id is None:
            return None
        rows = connection.execute(_OF_BUILD, {"build": build_id})
        return {name: (of_json(value), source) for name, value, source in rows}
    statement = _OF_CHANGE if "changeid" in scope else _OF_BUILDSET
    found = connection.execute(statement, {"of": next(iter(scope.values()))}).scalar()
    return None if found is None else properties_of_json(found)
