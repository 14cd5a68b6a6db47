"""Queries on rows in memory, for kinds that are not in the store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from chargehand.resources.field import Resource
from chargehand.resources.query import Filter, Operator, Page, Query

_COMPARISONS: dict[Operator, Callable[[Any, tuple[Any, ...]], bool]] = {
    Operator.EQ: lambda have, values: have in values,
    Operator.IN: lambda have, values: have in values,
    Operator.NE: lambda have, values: have not in values,
    Operator.NOT_IN: lambda have, values: have not in values,
    Operator.LT: lambda have, values: have is not None and have < values[0],
    Operator.LE: lambda have, values: have is not None and have <= values[0],
    Operator.GT: lambda have, values: have is not None and have > values[0],
    Operator.GE: lambda have, values: have is not None and have >= values[0],
    Operator.CONTAINS: lambda have, values: any(_has(have, value) for value in values),
}


def select(rows: Sequence[Resource], query: Query) -> Page:
    """Apply the filters, order, limits and fields of *query* to *rows*."""
    found = [row for row in rows if all(_fits(row, condition) for condition in query.filters)]
    for order in reversed(query.order):
        found.sort(key=lambda row: _sort_key(row[order.field]), reverse=order.descending)
    start = query.offset or 0
    end = None if query.limit is None else start + query.limit
    cut = found[start:end]
    if query.fields:
        cut = [{name: row[name] for name in query.fields} for row in cut]
    return Page(rows=cut, total=len(found))


def _fits(row: Resource, condition: Filter) -> bool:
    return _COMPARISONS[condition.operator](row[condition.field], condition.values)


def _has(have: Any, value: Any) -> bool:
    if have is None:
        return False
    return value in have if isinstance(have, list) else str(value) in str(have)


def _sort_key(value: Any) -> tuple[bool, Any]:
    return (value is not None, value if not isinstance(value, list | dict) else str(value))
