"""Rows of SQL as resources, with what is related to them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import FromClause, select

from chargehand.resources.field import Resource
from chargehand.resources.query import Query
from chargehand.store.columns import ids_as_json
from chargehand.store.portable import is_among
from chargehand.store.reading import Reading
from chargehand.store.resource_sql.shapes import Expression, Key, Kind, Load, Related, grouped


@dataclass(frozen=True, slots=True)
class Selection:
    """Some fields of a kind: what is selected for them, and what is made of it."""

    fields: tuple[str, ...]
    columns: tuple[Expression, ...]
    names: tuple[str, ...]
    """Of the columns; keys of related things come last."""
    decoders: tuple[tuple[str, Callable[[str], object]], ...]
    related: tuple[tuple[str, str, Related], ...]
    """Field, name of the column with its key, and how it is loaded."""

    def resources(
        self, reading: Reading, rows: Iterable[Sequence[object]], query: Query
    ) -> list[Resource]:
        """Return the resources of *rows* that begin with the columns."""
        names = self.names
        found: list[Resource] = [dict(zip(names, row, strict=True)) for row in rows]
        for name, decode in self.decoders:
            for resource in found:
                resource[name] = decode(resource[name])
        if not self.related:
            return found
        for name, key_name, related in self.related:
            keys: list[Key] = [resource.pop(key_name) for resource in found]
            loaded = related.load(reading, keys, query) if keys else {}
            for resource, key in zip(found, keys, strict=True):
                resource[name] = loaded[key] if key in loaded else related.otherwise()
        fields = self.fields
        return [{name: resource[name] for name in fields} for resource in found]


def selection(kind: Kind, fields: Sequence[str] = ()) -> Selection:
    """Return what is to be selected for *fields* of a kind; all, if none is named."""
    chosen = tuple(fields) or tuple(kind.fields)
    names: list[str] = []
    columns: list[Expression] = []
    decoders = []
    related = []
    for name in chosen:
        field = kind.fields[name]
        if isinstance(field, Related):
            related.append((name, f"key of {name}", field))
            continue
        names.append(name)
        columns.append(field.selected)
        if field.decode is not None:
            decoders.append((name, field.decode))
    for _name, key_name, field in related:
        names.append(key_name)
        columns.append(field.key)
    return Selection(chosen, tuple(columns), tuple(names), tuple(decoders), tuple(related))


def one_of(kind: Kind, *, by: Expression, through: FromClause | None = None) -> Load:
    """Load the resource of *kind* that belongs to each key: to the values of *by*."""
    pairs = _pairs(kind, by, through, ())
    return lambda reading, keys, query: dict(pairs(reading, keys, query))


def many_of(
    kind: Kind,
    *,
    by: Expression,
    through: FromClause,
    order_by: Sequence[Expression],
) -> Load:
    """Load the resources of *kind* that belong to each key."""
    pairs = _pairs(kind, by, through, order_by)
    return lambda reading, keys, query: grouped(pairs(reading, keys, query))


def _pairs(
    kind: Kind,
    by: Expression,
    through: FromClause | None,
    order_by: Sequence[Expression],
) -> Callable[[Reading, Sequence[Key], Query], list[tuple[Key, Resource]]]:
    chosen = selection(kind)
    labelled = (column.label(f"c{number}") for number, column in enumerate(chosen.columns))
    statement = (
        select(by.label("owner"), *labelled)
        .select_from(kind.source if through is None else through)
        .where(is_among(by))
        .order_by(*order_by)
    )

    def load(reading: Reading, keys: Sequence[Key], query: Query) -> list[tuple[Key, Resource]]:
        wanted = {key for key in keys if key is not None}
        if not wanted:
            return []
        rows = reading.execute(statement, {"ids": ids_as_json(wanted)}).all()
        made = chosen.resources(reading, [row[1:] for row in rows], query)
        return [(row[0], resource) for row, resource in zip(rows, made, strict=True)]

    return load
