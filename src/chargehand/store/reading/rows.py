"""Rows of SQL as resources, with what is related to them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import FromClause, Label, select

from chargehand.resources.field import Resource
from chargehand.resources.query import Query
from chargehand.store.engine.columns import ids_as_json
from chargehand.store.engine.portable import is_among
from chargehand.store.engine.reading import Reading
from chargehand.store.reading.shapes import (
    Column,
    Expression,
    Key,
    Kind,
    Load,
    Related,
    grouped,
)


class Selection(msgspec.Struct, frozen=True):
    """Some fields of a kind, and the column that is selected for each: its own, or its key."""

    names: tuple[str, ...]
    fields: tuple[Column | Related, ...]

    @property
    def columns(self) -> list[Label[object]]:
        """What is selected."""
        return [
            (field.key if isinstance(field, Related) else field.selected).label(f"c{number}")
            for number, field in enumerate(self.fields)
        ]

    def resources(
        self, reading: Reading, rows: Iterable[Sequence[object]], query: Query
    ) -> list[Resource]:
        """Return the resources of *rows* that have the columns."""
        # By columns: what is related to all rows is loaded at once, and the rest is quick.
        columns = list(zip(*rows, strict=True))
        shown = [
            _shown(field, column, reading, query)
            for field, column in zip(self.fields, columns, strict=False)
        ]
        return _dictionaries(self.names)(zip(*shown, strict=True))


@lru_cache(maxsize=500)
def _dictionaries(
    names: tuple[str, ...],
) -> Callable[[Iterable[Sequence[object]]], list[Resource]]:
    """Return a function that makes a dictionary with these keys of each row.

    A display (``{"name": a, ...}``) takes two fifths of the time of ``dict(zip(names, row))``.
    """
    values = [f"v{number}" for number in range(len(names))]
    display = ", ".join(f"{name!r}: {value}" for name, value in zip(names, values, strict=True))
    source = f"lambda rows: [{{{display}}} for ({', '.join(values)},) in rows]"
    made: Callable[[Iterable[Sequence[object]]], list[Resource]] = eval(source)
    return made


def _shown(
    field: Column | Related, column: Sequence[Any], reading: Reading, query: Query
) -> Iterable[object]:
    if isinstance(field, Related):
        loaded = field.load(reading, column, query)
        return [loaded[key] if key in loaded else field.otherwise() for key in column]
    if field.redact is not None and not query.reveals:
        redact = field.redact
        column = [None if text is None else redact(text) for text in column]
    return column if field.decode is None else map(field.decode, column)


def selection(kind: Kind, fields: Sequence[str] = ()) -> Selection:
    """Return the columns to select for *fields* of a kind; all of them if none is named."""
    names = tuple(fields) or tuple(kind.fields)
    return Selection(names, tuple(kind.fields[name] for name in names))


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
    statement = (
        select(by.label("owner"), *chosen.columns)
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
