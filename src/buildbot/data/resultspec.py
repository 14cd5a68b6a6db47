"""Which rows of a collection are wanted, and how: the arguments of ``master.data.get``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from buildbot._border.comparison import ComparableMixin

_OPERATORS = ("eq", "ne", "lt", "le", "gt", "ge", "contains", "notcontains", "in", "notin")


class ListResult(list[Any]):
    """The rows of a collection that ``master.data.get`` found: a list that also says how many
    there are in all, and which stretch of them this is."""

    def __init__(
        self,
        values: Iterable[Any],
        offset: int | None = None,
        total: int | None = None,
        limit: int | None = None,
    ) -> None:
        super().__init__(values)
        self.offset = offset
        """How many were left out before the first; None for none."""
        self.total = len(self) if total is None else total
        """How many there are in all, with those that *offset* and *limit* leave out."""
        self.limit = limit
        """How many were asked for; None for all."""

    @property
    def data(self) -> list[Any]:
        """The rows as a plain list."""
        return list(self)

    def __repr__(self) -> str:
        return (
            f"ListResult({super().__repr__()}, offset={self.offset}, total={self.total}, "
            f"limit={self.limit})"
        )


class Filter(ComparableMixin):
    """Rows whose *field* compares so with one of *values*."""

    compare_attrs = ("field", "op", "values")

    def __init__(self, field: str, op: str, values: Sequence[Any]) -> None:
        if op not in _OPERATORS:
            raise ValueError(f"unknown operator {op!r}: use one of {', '.join(_OPERATORS)}")
        self.field = field
        self.op = op
        self.values = list(values)

    def __repr__(self) -> str:
        return f"resultspec.Filter({self.field!r}, {self.op!r}, {self.values!r})"


class ResultSpec(ComparableMixin):
    """Filters, the fields wanted, the order (``-name`` descends), and which stretch of it."""

    compare_attrs = ("filters", "fields", "order", "limit", "offset")

    def __init__(
        self,
        filters: Sequence[Filter] | None = None,
        fields: Sequence[str] | None = None,
        order: Sequence[str] | None = None,
        limit: int | None = None,
        offset: int | None = None,
    ) -> None:
        self.filters = list(filters or ())
        self.fields = fields
        self.order = order
        self.limit = limit
        self.offset = offset
