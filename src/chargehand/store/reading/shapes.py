"""Kinds of resources for the planner: columns, related data, paths."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec
from sqlalchemy import BindParameter, Boolean, ColumnElement, FromClause, bindparam

from chargehand.resources.query import Query
from chargehand.store.engine.reading import Reading

T = TypeVar("T")

Expression = ColumnElement[Any]
"""Of SQL, of any type."""

Key = int | None
Parameters = Mapping[str, BindParameter[object]]
Load = Callable[[Reading, Sequence[Key], Query], Mapping[Key, object]]
Scope = Callable[[Parameters], ColumnElement[bool]]
NamedScope = tuple[frozenset[str], Scope]


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """A field that is a column: what is selected, what is compared, and how it is decoded."""

    selected: Expression
    compared: Expression
    decode: Callable[[str], object] | None = None
    is_time: bool = False
    is_list: bool = False
    """The column has a JSON list."""
    redact: Callable[[str], str] | None = None
    """Takes passwords out of what the column has; None if it cannot have any."""
    redacted: Expression | None = None
    """What is compared where passwords are not shown; None if the column cannot have any."""

    def compared_as(self, *, reveals: bool) -> Expression:
        """Return what is compared, with or without passwords."""
        return self.compared if reveals or self.redacted is None else self.redacted

    @property
    def is_flag(self) -> bool:
        """Whether it is true or false."""
        return isinstance(self.compared.type, Boolean)


class Related(msgspec.Struct, frozen=True, kw_only=True):
    """A field that is read from other tables, for a whole page with one query.

    ``load`` gets the values of ``key`` on the page and returns what each has; ``otherwise`` makes
    the value of those that have nothing.
    """

    key: Expression
    load: Load
    otherwise: Callable[[], object]
    contains: Callable[[BindParameter[object]], ColumnElement[bool]] | None = None


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of resource, bound to its table.

    A path's placeholder that is called like a column's field, or is named in ``placeholders``,
    means that the field has that value. ``scopes`` has the other ones: each entry names the
    placeholders that it uses up; the entry with the most comes first.
    """

    source: FromClause
    identity: Expression
    fields: Mapping[str, Column | Related]
    placeholders: Mapping[str, str] = msgspec.field(default_factory=dict)
    scopes: Sequence[NamedScope] = ()


def scope(*placeholders: str) -> Callable[[Scope], NamedScope]:
    """Make a scope of a function that gets the parameters of *placeholders*."""
    return lambda function: (frozenset(placeholders), function)


def parameter(name: str) -> BindParameter[object]:
    """Return the parameter for a placeholder."""
    return bindparam(f"scope_{name}")


def grouped(pairs: Iterable[tuple[Key, T]]) -> dict[Key, list[T]]:
    """Return the second parts of *pairs*, collected by the first."""
    found: dict[Key, list[T]] = {}
    for key, value in pairs:
        found.setdefault(key, []).append(value)
    return found
