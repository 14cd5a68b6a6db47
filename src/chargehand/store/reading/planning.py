"""Plans SQL statements for queries: built once per shape of query, then reused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache

import msgspec
from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Select,
    Text,
    and_,
    bindparam,
    cast,
    false,
    func,
    or_,
    select,
    true,
)
from sqlalchemy.types import TypeEngine

from chargehand.resources.query import Filter, Operator, Order, Query
from chargehand.store.engine.columns import as_json
from chargehand.store.engine.portable import holds, is_among
from chargehand.store.reading.rows import Selection, selection
from chargehand.store.reading.shapes import Column, Expression, Kind, Related, parameter
from chargehand_wire.addresses import is_plain

_UNLIMITED = 2**62
_EXACT_PLACES = 8
_REMEMBERED_PLACES = 512

_EQUALITY = {Operator.EQ, Operator.NE, Operator.IN, Operator.NOT_IN}

_FilterShape = tuple[str, Operator, int, tuple[object, ...], bool]
"""Field, operator, number of values, values that are written out, and whether what is stored is
compared, with passwords."""
AnySelect = Select[*tuple[object, ...]]


class Shape(msgspec.Struct, frozen=True):
    """The parts of a query that determine the statements, without parameters."""

    kind: str
    scope: tuple[str, ...]
    filters: tuple[_FilterShape, ...]
    order: tuple[Order, ...]
    is_cut: bool
    fields: tuple[str, ...]
    reveals: bool


class Plan(msgspec.Struct, frozen=True):
    """Statements, and how to process their rows."""

    selection: Selection
    rows: AnySelect
    count: Select[int]
    identities: Select[int]
    """Of the rows, in their order."""
    some: AnySelect
    """The rows that have these identities, each behind its own."""


def shape_of(query: Query, kind: Kind) -> Shape:
    """Return the shape of *query*. Raises ValueError for a field that the kind does not have."""
    for name in (
        *query.fields,
        *(condition.field for condition in query.filters),
        *(order.field for order in query.order),
    ):
        if name not in kind.fields:
            raise ValueError(f"{query.kind} have no field {name!r}")
    return Shape(
        kind=query.kind,
        scope=tuple(sorted(query.scope)),
        filters=tuple(_filter_shape(condition, kind, query) for condition in query.filters),
        order=query.order,
        is_cut=query.limit is not None or bool(query.offset),
        fields=query.fields,
        reveals=query.reveals,
    )


def parameters_of(query: Query, kind: Kind) -> dict[str, object]:
    """Return the values for the statements' parameters."""
    values: dict[str, object] = {f"scope_{name}": value for name, value in query.scope.items()}
    for index, condition in enumerate(query.filters):
        found = [_filter_value(condition, value, kind) for value in condition.values]
        for number in range(_places(len(found))):
            values[f"filter_{index}_{number}"] = found[min(number, len(found) - 1)]
    if query.limit is not None or query.offset:
        values["limit"] = _UNLIMITED if query.limit is None else query.limit
        values["offset"] = query.offset or 0
    return values


def planner(kinds: Mapping[str, Kind]) -> Callable[[Shape], Plan]:
    """Return a function that plans questions about *kinds* and remembers the plans."""

    @lru_cache(maxsize=500)
    def remembered(shape: Shape) -> Plan:
        return _plan(shape, kinds[shape.kind])

    def plan(shape: Shape) -> Plan:
        if sum(places for _, _, places, _, _ in shape.filters) > _REMEMBERED_PLACES:
            # Thousands of parameters take megabytes: such a plan is for once.
            return _plan(shape, kinds[shape.kind])
        return remembered(shape)

    return plan


def _plan(shape: Shape, kind: Kind) -> Plan:
    chosen = selection(kind, shape.fields)
    conditions = [*_scope_conditions(shape, kind), *_filter_conditions(shape, kind)]
    ordering = _ordering(shape, kind)
    rows = select(*chosen.columns).select_from(kind.source).where(*conditions).order_by(*ordering)
    identities = select(kind.identity).select_from(kind.source).where(*conditions)
    identities = identities.order_by(*ordering)
    if shape.is_cut:
        rows = rows.limit(bindparam("limit")).offset(bindparam("offset"))
        identities = identities.limit(bindparam("limit")).offset(bindparam("offset"))
    count = select(func.count()).select_from(kind.source).where(*conditions)
    some = select(kind.identity.label("identity"), *chosen.columns).select_from(kind.source)
    return Plan(chosen, rows, count, identities, some.where(is_among(kind.identity)))


def _scope_conditions(shape: Shape, kind: Kind) -> list[ColumnElement[bool]]:
    left = set(shape.scope)
    parameters = {name: parameter(name) for name in left}
    found = []
    for names, make in kind.scopes:
        if names <= left:
            found.append(make(parameters))
            left -= names
    for name in sorted(left):
        field = kind.fields.get(kind.placeholders.get(name, name))
        if not isinstance(field, Column):
            raise ValueError(f"{shape.kind} cannot be narrowed by {name}")
        found.append(field.compared == parameters[name])
    return found


def _ordering(shape: Shape, kind: Kind) -> list[Expression]:
    """Sort as asked, and by identity last, so that pages neither overlap nor leave gaps."""
    ordering: list[Expression] = []
    descending = False
    for order in shape.order:
        field = kind.fields[order.field]
        if isinstance(field, Related):
            raise ValueError(f"{shape.kind} cannot be sorted by {order.field}")
        descending = order.descending
        compared = field.compared_as(reveals=shape.reveals)
        ordering.append(compared.desc() if descending else compared.asc())
        if field.compared is kind.identity:
            return ordering
    return [*ordering, kind.identity.desc() if descending else kind.identity.asc()]


def _filter_shape(condition: Filter, kind: Kind, query: Query) -> _FilterShape:
    field = kind.fields[condition.field]
    operator, values = condition.operator, condition.values
    # Flags are written out: SQLite uses a partial index only where it sees the condition.
    is_flag = isinstance(field, Column) and field.is_flag
    written_out = values if is_flag else ()
    reveals = query.reveals or _is_plain(operator, values)
    return (condition.field, operator, _places(len(values)), written_out, reveals)


def _is_plain(operator: Operator, values: tuple[object, ...]) -> bool:
    """Return whether no password decides about equality: then an index can be used."""
    return operator in _EQUALITY and all(
        not isinstance(value, str) or is_plain(value) for value in values
    )


def _places(count: int) -> int:
    """Return how many values the statement takes; the last is repeated until there are so many.

    Else each number of values would be planned, compiled and remembered.
    """
    return count if count <= _EXACT_PLACES else 1 << (count - 1).bit_length()


def _filter_value(condition: Filter, value: object, kind: Kind) -> object:
    field = kind.fields[condition.field]
    if isinstance(field, Column) and field.is_list:
        # An element of a list in JSON comes after a bracket or a comma.
        return as_json(value)
    return value


def _filter_conditions(shape: Shape, kind: Kind) -> list[ColumnElement[bool]]:
    conditions = []
    for index, (name, operator, count, written_out, reveals) in enumerate(shape.filters):
        field = kind.fields[name]
        parameters = [
            bindparam(f"filter_{index}_{number}", type_=_type_of(field, operator))
            for number in range(count)
        ]
        if isinstance(field, Related):
            if operator is not Operator.CONTAINS or field.contains is None:
                raise ValueError(f"{shape.kind} cannot be filtered by {name}")
            conditions.append(or_(*map(field.contains, parameters)))
        elif field.is_flag:
            conditions.append(_flag_condition(field, operator, written_out))
        elif field.is_time:
            conditions.append(_time_condition(field.compared, operator, parameters))
        else:
            compared = field.compared_as(reveals=reveals)
            conditions.append(_condition(field, compared, operator, parameters))
    return conditions


def _type_of(field: Column | Related, operator: Operator) -> TypeEngine[object] | Text | None:
    if isinstance(field, Related):
        return None
    is_text = operator is Operator.CONTAINS or field.is_list
    return Text() if is_text else field.compared.type


def _condition(
    field: Column,
    column: Expression,
    operator: Operator,
    parameters: list[BindParameter[object]],
) -> ColumnElement[bool]:
    match operator:
        case Operator.EQ | Operator.IN:
            return column == parameters[0] if len(parameters) == 1 else column.in_(parameters)
        case Operator.NE | Operator.NOT_IN:
            return or_(column.is_(None), column.not_in(parameters))
        case Operator.CONTAINS:
            return or_(*(_contains(field, column, one) for one in parameters))
        case Operator.LT:
            return and_(*(column < one for one in parameters))
        case Operator.LE:
            return and_(*(column <= one for one in parameters))
        case Operator.GT:
            return and_(*(column > one for one in parameters))
        case Operator.GE:
            return and_(*(column >= one for one in parameters))


def _contains(
    field: Column, column: Expression, value: BindParameter[object]
) -> ColumnElement[bool]:
    if not field.is_list:
        return holds(cast(column, Text()), value)
    return or_(
        *(
            holds(column, bindparam(None, before, Text()).concat(value).concat(after))
            for before in "[,"
            for after in ",]"
        )
    )


def _flag_condition(
    field: Column, operator: Operator, values: tuple[object, ...]
) -> ColumnElement[bool]:
    wanted = {bool(value) for value in values}
    match operator:
        case Operator.EQ | Operator.IN:
            pass
        case Operator.NE | Operator.NOT_IN:
            wanted = {True, False} - wanted
        case _:
            raise ValueError("flags can be equal or not equal, nothing else")
    if len(wanted) == 2:
        return true()
    if not wanted:
        return false()
    return field.compared == (true() if wanted.pop() else false())


def _time_condition(
    column: Expression, operator: Operator, parameters: list[BindParameter[object]]
) -> ColumnElement[bool]:
    """Compare in whole seconds, though fractions are stored, such that an index can be used."""
    match operator:
        case Operator.EQ | Operator.IN:
            return or_(*(and_(column >= one, column < one + 1) for one in parameters))
        case Operator.NE | Operator.NOT_IN:
            apart = (or_(column < one, column >= one + 1) for one in parameters)
            return or_(column.is_(None), and_(*apart))
        case Operator.LT:
            return and_(*(column < one for one in parameters))
        case Operator.LE:
            return and_(*(column < one + 1 for one in parameters))
        case Operator.GT:
            return and_(*(column >= one + 1 for one in parameters))
        case Operator.GE:
            return and_(*(column >= one for one in parameters))
        case Operator.CONTAINS:
            raise ValueError("times contain nothing")
