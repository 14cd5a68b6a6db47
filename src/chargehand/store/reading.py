"""Reading for answers that are kept: every statement notes which tables it reads."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TypeVarTuple

from sqlalchemy import Column, Connection, CursorResult, Select, Table
from sqlalchemy.sql import visitors

Ts = TypeVarTuple("Ts")


class Reading:
    """A connection for the queries of one answer, and the ``tables`` that they have read.

    Whatever an answer says follows from rows of these tables, so it stays true until one of them is
    written to: also where a query is left out because of what another one found.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.tables: set[str] = set()

    def execute(self, statement: Select[*Ts], values: Mapping[str, object]) -> CursorResult[*Ts]:
        """Return the rows that *statement* finds."""
        self.tables |= tables_of(statement)
        return self._connection.execute(statement, values)


@lru_cache(maxsize=2000)
def tables_of(statement: Select[*Ts]) -> frozenset[str]:
    """Return every table that *statement* reads, its subqueries' ones as well."""
    found = set()
    for element in visitors.iterate(statement):
        table = element.table if isinstance(element, Column) else element
        if isinstance(table, Table):
            found.add(table.name)
    return frozenset(found)
