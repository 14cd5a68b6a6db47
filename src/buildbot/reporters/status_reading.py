"""What status receivers of Buildbot 0.8 read of the store, whose methods cannot wait."""

from __future__ import annotations

from typing import Any

from buildbot._border.times import datetime2epoch
from chargehand.domain.identifiers import LogId
from chargehand.resources.query import Filter, Operator, Order

Row = dict[str, Any]


class StatusReading:
    """Reads rows at once, in the master's thread: a few at a time."""

    def __init__(self, master: Any) -> None:
        self._master = master

    def row(self, path: str) -> Row:
        """Return the row at a path. Raises KeyError."""
        found = self._master.access.engine.data_here.get(path)
        if found is None:
            raise KeyError(f"there is no {path}")
        row: Row = found
        return row

    def properties(self, path: str) -> Row:
        """Return the properties of a build or buildset, as (value, source)."""
        found: Row | None = self._master.access.engine.data_here.get(f"{path}/properties")
        return found or {}

    def rows(
        self,
        path: str,
        *filters: Filter,
        order: str = "",
        limit: int | None = None,
        **wanted: Any,
    ) -> list[Row]:
        """Return rows of a collection that have these values; *order* with ``-`` for downwards."""
        equal = [Filter(name, Operator.EQ, (value,)) for name, value in wanted.items()]
        found: list[Row] = self._master.access.engine.data_here.get(
            path,
            filters=[*filters, *equal],
            order=[Order(order.lstrip("-"), order.startswith("-"))] if order else [],
            limit=limit,
        )
        return found

    def lines(self, log_id: int, first: int = 0, count: int | None = None) -> str:
        """Return lines of a log, with channel letters where it is of type ``s``."""
        found: str = self._master.access.engine.data_here.lines(LogId(log_id), first, count)
        return found


def moment(value: Any) -> float | None:
    """Return a point in time in seconds since 1970, which a row has so or as a datetime."""
    if value is None or isinstance(value, int | float):
        return value
    return datetime2epoch(value)
