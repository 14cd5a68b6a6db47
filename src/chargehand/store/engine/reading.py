"""Reading for cached answers: every statement records the tables that it reads."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TypeVarTuple

from sqlalchemy import Column, Connection, CursorResult, Select, Table
from sqlalchemy.sql import visitors

from chargehand.resources.visibility import Visibility
from chargehand.store.engine.sight import as_seen

Ts = TypeVarTuple("Ts")


class Reading:
    """A connection for the queries of one answer, and the ``tables`` that they have read.

    This is the only place that removes rows hidden from the visitor.

    An answer depends only on rows of these tables, so it stays valid until one of them is written
    to, even if the result of one query decided about another.
    """

    def __init__(
        self, connection: Connection, sees: Visibility, *, is_of_one: bool = False
    ) -> None:
        self.connection = connection
        """For what is the same for all visitors."""
        self._sees = sees
        self._is_of_one = is_of_one
        self.tables: set[str] = set()

    def execute(self, statement: Select[*Ts], values: Mapping[str, object]) -> CursorResult[*Ts]:
        """Return the rows of *statement*."""
        seen = self.seen(statement)
        self.tables |= tables_of(seen)
        return self.connection.execute(seen, values)

    def seen(self, statement: Select[*Ts]) -> Select[*Ts]:
        """Return the statement actually executed for *statement*."""
        if self._sees.is_everything:
            return statement
        return as_seen(statement, self._sees, is_of_one=self._is_of_one)


@lru_cache(maxsize=2000)
def tables_of(statement: Select[*Ts]) -> frozenset[str]:
    """Return all tables that *statement* reads, including subqueries."""
    found = set()
    for element in visitors.iterate(statement):
        table = element.table if isinstance(element, Column) else element
        if isinstance(table, Table):
            found.add(table.name)
    return frozenset(found)
