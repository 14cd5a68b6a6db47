"""Parses query parameters of the REST API into a `Query`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from math import isfinite
from typing import Any
from urllib.parse import parse_qsl

from chargehand.resources.catalog import KINDS
from chargehand.resources.endpoints import Resolved
from chargehand.resources.entity import Parameter
from chargehand.resources.field import FieldType
from chargehand.resources.query import Filter, Operator, Order, Query
from chargehand.resources.visibility import Visibility

_INTEGER = re.compile(r"\s*[+-]?[0-9]{1,18}\s*\Z", re.ASCII)
_BOOLEANS = {"on": True, "true": True, "yes": True, "1": True} | {
    "off": False,
    "false": False,
    "no": False,
    "0": False,
}
_MOST_PARAMETERS = 12_000
_MOST_VALUES = 10_000
"""Of equality, in all filters."""
_MOST_CONDITIONS = 100
"""Of everything else: databases nest such conditions, and only so deep."""
_EQUALITY = {Operator.EQ, Operator.NE, Operator.IN, Operator.NOT_IN}
_ANY_OF = _EQUALITY | {Operator.CONTAINS}


class BadQuery(ValueError):
    """A query parameter is invalid; the message says which and why."""


def parse(query_string: str, resolved: Resolved, sees: Visibility) -> Query:
    """Return the query for the path and its parameters. Raises BadQuery."""
    endpoint = resolved.endpoint
    entity = KINDS[endpoint.plural]
    asked = _Parameters(entity.types(), endpoint.is_collection, entity.more_parameters)
    for name, value in pairs(query_string):
        asked.take(name, value)
    return Query(
        kind=endpoint.kind,
        sees=sees,
        scope=resolved.scope,
        filters=tuple(asked.conditions()) if endpoint.is_collection else (),
        order=tuple(asked.order) if endpoint.is_collection else (),
        limit=asked.limit if endpoint.is_collection else None,
        offset=asked.offset if endpoint.is_collection else None,
        fields=tuple(dict.fromkeys(asked.fields)),
        properties=tuple(dict.fromkeys(asked.properties)),
        arguments=asked.arguments,
    )


def line_range(query_string: str, resolved: Resolved) -> tuple[int, int | None]:
    """Return ``offset`` and ``limit`` in lines of a log. Raises BadQuery."""
    asked = _Parameters(KINDS[resolved.endpoint.plural].types(), is_collection=False)
    for name, value in pairs(query_string):
        asked.take(name, value)
    return asked.offset or 0, asked.limit


def pairs(query_string: str) -> list[tuple[str, str]]:
    """Return the parameters, decoded. Raises BadQuery."""
    if query_string.count("&") >= _MOST_PARAMETERS:
        raise BadQuery(f"too many query parameters: there may be {_MOST_PARAMETERS:,}")
    try:
        return parse_qsl(query_string, keep_blank_values=True, errors="strict")
    except UnicodeDecodeError:
        raise BadQuery("query parameters must be UTF-8") from None


class _Parameters:
    """The query parameters not consumed so far."""

    def __init__(
        self,
        known: dict[str, FieldType[object]],
        is_collection: bool,
        parameters: Iterable[Parameter] = (),
    ) -> None:
        self._known = known
        self._taken = {one.name: one for one in parameters}
        self._is_collection = is_collection
        self._filters: dict[str, tuple[str, Operator, list[object]]] = {}
        self._values = self._conditions = 0
        self.order: list[Order] = []
        self.limit: int | None = None
        self.offset: int | None = None
        self.fields: list[str] = []
        self.properties: list[str] = []
        self.arguments: dict[str, Any] = {}

    def take(self, name: str, value: str) -> None:
        match name:
            case "field":
                self.fields.append(self._field(value))
            case "order":
                bare = value.removeprefix("-")
                self._sort_by(self._field(bare), descending=bare != value)
            case "property":
                self.properties.append(value)
            case "limit":
                number = count(name, value)
                self.limit = number if self.limit is None else self.limit
            case "offset":
                number = count(name, value)
                self.offset = number if self.offset is None else self.offset
            case _ if name in self._taken:
                self._argument(self._taken[name], value)
            case _:
                self._filter(name, value)

    def conditions(self) -> list[Filter]:
        """Return the filters. Raises BadQuery for fields that the query does not select."""
        chosen = set(self.fields or self._known)
        if not chosen.issuperset(name for name, _, _ in self._filters.values()):
            raise BadQuery("cannot filter on un-selected fields")
        if not chosen.issuperset(order.field for order in self.order):
            raise BadQuery("cannot order on un-selected fields")
        result: list[Filter] = []
        for name, operator, values in self._filters.values():
            groups = [values] if operator in _ANY_OF else [[value] for value in values]
            result.extend(Filter(name, operator, tuple(group)) for group in groups)
        return result

    def _argument(self, parameter: Parameter, text: str) -> None:
        try:
            value = _value(parameter.type, Operator.EQ, text)
        except ValueError:
            raise BadQuery(f"invalid {parameter.name}") from None
        try:
            parameter.check(value)
        except ValueError as error:
            raise BadQuery(str(error)) from None
        self.arguments.setdefault(parameter.name, value)

    def _sort_by(self, name: str, *, descending: bool) -> None:
        if all(order.field != name for order in self.order):  # a second time changes nothing
            self.order.append(Order(name, descending=descending))

    def _field(self, name: str) -> str:
        if name not in self._known:
            raise BadQuery(f"no such field '{name}'")
        return name

    def _filter(self, parameter: str, text: str) -> None:
        name, separator, word = parameter.partition("__")
        try:
            operator = Operator(word) if separator else Operator.EQ
        except ValueError:
            raise BadQuery(f"unrecognized query parameter '{parameter}'") from None
        if name not in self._known:
            raise BadQuery(f"unrecognized query parameter '{parameter}'")
        if not self._is_collection:
            raise BadQuery("this is not a collection")
        try:
            value = _value(self._known[name], operator, text)
        except ValueError:
            raise BadQuery(f"invalid filter value for {parameter}") from None
        self._count_condition(operator, self._known[name])
        self._filters.setdefault(parameter, (name, operator, []))[2].append(value)

    def _count_condition(self, operator: Operator, field: FieldType[object]) -> None:
        if operator in _EQUALITY and field.word != "datetime":
            self._values += 1
        else:
            self._conditions += 1
        if self._values > _MOST_VALUES:
            raise BadQuery(f"too many values to filter by: there may be {_MOST_VALUES:,}")
        if self._conditions > _MOST_CONDITIONS:
            raise BadQuery(
                f"too many conditions: there may be {_MOST_CONDITIONS} "
                "of comparisons, times and contents"
            )


def count(name: str, text: str) -> int | None:
    """Return the number, None if it is negative. Raises BadQuery."""
    if not _INTEGER.match(text):
        raise BadQuery(f"invalid {name}")
    number = int(text)
    return number if number >= 0 else None


def _value(field: FieldType[object], operator: Operator, text: str) -> object:
    if field.is_list and operator is not Operator.CONTAINS:
        raise ValueError(text)
    if operator is Operator.CONTAINS and not field.is_list:
        return _string(text)
    return _PARSERS[field.word](text) if field.word in _PARSERS else _unusable(text)


def _integer(text: str) -> int:
    if not _INTEGER.match(text):
        raise ValueError(text)
    return int(text)


def _number(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise ValueError(text)
    return number


def _boolean(text: str) -> bool:
    try:
        return _BOOLEANS[text.lower()]
    except KeyError:
        raise ValueError(text) from None


def _string(text: str) -> str:
    if "\0" in text:
        raise ValueError(text)
    return text


def _unusable(text: str) -> object:
    raise ValueError(text)


_PARSERS: dict[str, Callable[[str], object]] = {
    "integer": _integer,
    "datetime": _integer,
    "boolean": _boolean,
    "float": _number,
    "string": _string,
    "identifier": _string,
}
