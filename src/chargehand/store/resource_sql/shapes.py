"""What a kind of resource is, for the planner: columns, related things, paths that lead to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import BindParameter, Boolean, ColumnElement, Connection, FromClause, bindparam

from chargehand.resources.query import Query
from chargehand.store.columns import of_json
from chargehand.store.portable import seconds

Conditions = Sequence[ColumnElement[bool]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A field that is a column: what is selected, what is compared, and how it is decoded."""

    selected: ColumnElement[Any]
    compared: ColumnElement[Any]
    decode: Callable[[Any], Any] | None = None
    is_time: bool = False
    is_list: bool = False
    """The column has a JSON list."""

    @property
    def is_flag(self) -> bool:
        """Whether it is true or false."""
        return isinstance(self.compared.type, Boolean)


Load = Callable[[Connection, list[Any], Query], Mapping[Any, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Related:
    """A field that is read from other tables, for a whole page with one query.

    ``load`` gets the values of ``key`` on the page and returns what each has; ``otherwise`` makes
    the value of those that have nothing.
    """

    key: ColumnElement[Any]
    load: Load
    otherwise: Callable[[], Any]
    contains: Callable[[BindParameter[Any]], ColumnElement[bool]] | None = None


Scope = Callable[[Mapping[str, BindParameter[Any]]], ColumnElement[bool]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of resource. ``scopes`` turns a path's placeholders into a condition.

    Each entry names the placeholders that it uses up; the entry with the most comes first.
    """

    source: FromClause
    identity: ColumnElement[Any]
    fields: Mapping[str, Column | Related]
    scopes: Sequence[tuple[frozenset[str], Scope]] = field(default_factory=tuple)


def plain(column: ColumnElement[Any]) -> Column:
    """Make a field that is shown as it is stored."""
    return Column(selected=column, compared=column)


def time(column: ColumnElement[Any]) -> Column:
    """Make a field that shows whole seconds."""
    return Column(selected=seconds(column), compared=column, is_time=True)


def json(column: ColumnElement[Any], *, is_list: bool = False) -> Column:
    """Make a field that is stored as JSON."""
    return Column(selected=column, compared=column, decode=of_json, is_list=is_list)


def by(column: ColumnElement[Any], *placeholders: str) -> list[tuple[frozenset[str], Scope]]:
    """Make scopes: *column* equals the value of one of the *placeholders*."""
    return [(frozenset((name,)), _equality(column, name)) for name in placeholders]


def scope(*placeholders: str) -> Callable[[Scope], tuple[frozenset[str], Scope]]:
    """Make a scope of a function that gets the parameters of *placeholders*."""
    return lambda function: (frozenset(placeholders), function)


def parameter(name: str) -> BindParameter[Any]:
    """Return the parameter for a placeholder."""
    return bindparam(f"scope_{name}")


def grouped(rows: Iterable[Sequence[Any]]) -> dict[Any, list[Any]]:
    """Return the second column of *rows*, collected by the first."""
    found: dict[Any, list[Any]] = {}
    for row in rows:
        found.setdefault(row[0], []).append(row[1])
    return found


def _equality(column: ColumnElement[Any], name: str) -> Scope:
    return lambda parameters: column == parameters[name]
