"""Validity of cached reads: when each table was last written to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Table

from chargehand.resources.query import Basis
from chargehand.store.engine.tables import metadata


def _affected(tables: Sequence[Table]) -> dict[str, frozenset[str]]:
    """Return the tables that lose rows with each table; *tables* follow those they refer to."""
    found: dict[str, frozenset[str]] = {}
    referring: dict[str, set[str]] = {table.name: set() for table in tables}
    for table in reversed(tables):
        others = (found[name] for name in referring[table.name])
        found[table.name] = frozenset({table.name}).union(*others)
        for key in table.foreign_keys:
            if (parent := key.column.table.name) != table.name:
                referring[parent].add(table.name)
    return found


AFFECTED_BY_DELETE = _affected(metadata.sorted_tables)
"""The tables affected by a deletion, by the table in the statement."""


class Generations:
    """Counts the transactions that wrote something, and remembers for each table the last one.

    The writer's thread notes them, and the loop what is not in its row yet; the loop asks. A commit
    that is not noted yet makes an answer look older than it is, which costs a reading and no more.
    """

    def __init__(self, *, is_shared: bool) -> None:
        self._is_shared = is_shared
        self._number = 0
        self._last: dict[str, int] = {}

    def now(self) -> int:
        """Return the number of the last transaction. Call before reading."""
        return self._number

    def is_current(self, basis: Basis) -> bool:
        """Return whether none of the tables was written to since.

        Writes of other masters are not visible here: with several masters, nothing stays valid.
        """
        last = self._last
        return not self._is_shared and all(
            last.get(table, 0) <= basis.as_of for table in basis.tables
        )

    def note(self, touched: Iterable[str]) -> None:
        """Record the tables written to by a committed transaction."""
        number = self._number + 1
        for table in touched:
            self._last[table] = number
        self._number = number
