"""Queries for resources, as in the REST API."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

import msgspec

from chargehand.resources.field import Resource
from chargehand.resources.visibility import Visibility

Scope = Mapping[str, int | str]
"""The values of a path's placeholders: numbers and strings."""


class Operator(StrEnum):
    """A comparison; EQ and NE with several values mean any-of and none-of."""

    EQ = "eq"
    NE = "ne"
    LT = "lt"
    LE = "le"
    GT = "gt"
    GE = "ge"
    CONTAINS = "contains"
    IN = "in"
    NOT_IN = "notin"


class Filter(msgspec.Struct, frozen=True):
    """One condition on a field; the values have the field's type."""

    field: str
    operator: Operator
    values: tuple[Any, ...]


class Order(msgspec.Struct, frozen=True):
    """One field to sort by."""

    field: str
    descending: bool = False


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """A query for one kind of resource.

    ``kind`` is the REST API's plural (``"builds"``, ``"builders"`` …). ``scope`` narrows it the way
    a path does: keys are those of the path's placeholders (``{"builderid": 1, "build_number": 3}``,
    ``{"buildername": "x"}``, ``{"changeid": 7}``), and the store joins what it needs.
    """

    kind: str
    sees: Visibility
    """What the visitor may see; everything else is missing from the rows and the total."""
    scope: Scope = {}
    filters: tuple[Filter, ...] = ()
    order: tuple[Order, ...] = ()
    limit: int | None = None
    offset: int | None = None
    fields: tuple[str, ...] = ()
    """Only these fields; empty: all."""
    reveals: bool = False
    """With passwords in addresses, which nobody but code of the configuration may see."""
    arguments: Mapping[str, int | str] = {}
    """What else the kind takes (`Entity.more_parameters`)."""
    properties: tuple[str, ...] = ()
    """Names of properties to include (builds, buildrequests); ``("*",)``: all."""


class Basis(msgspec.Struct, frozen=True):
    """The tables an answer was read from, and when: valid until one of them is written to."""

    tables: frozenset[str]
    as_of: int


class Listed(list[Resource]):
    """Rows of a collection, with how many there are in all."""

    def __init__(self, rows: Iterable[Resource], total: int) -> None:
        super().__init__(rows)
        self.total = total


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """The answer: rows with exactly the REST API's fields, and the total number of rows.

    Pages not read from the store have no ``basis``, and are not cached.
    """

    rows: list[Resource]
    total: int
    basis: Basis | None = None
