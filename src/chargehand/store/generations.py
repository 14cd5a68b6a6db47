"""Generations: numbers that grow when answers about a kind of resource may have changed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from sqlalchemy import Table

from chargehand.store.tables import metadata

# Which tables an answer about a kind is read from.
_TABLES_OF_KIND: dict[str, tuple[str, ...]] = {
    "branches": ("branches",),
    "commit_graphs": ("commits",),
    "build_data": ("build_data", "builds", "builders"),
    "builders": ("builders", "builder_masters", "configured_workers"),
    "buildrequests": ("build_requests", "buildsets"),
    "builds": ("builds", "build_properties", "builders"),
    "triggered_builds": ("builds", "build_properties"),
    "build_times": ("builds",),
    "buildsets": ("buildsets", "buildset_source_stamps"),
    "changes": ("changes", "builds", "buildset_source_stamps"),
    "changesources": ("change_sources", "change_source_masters", "masters"),
    "codebases": ("codebases",),
    "commits": ("commits",),
    "logs": ("logs",),
    "masters": ("masters", "builder_masters"),
    "projects": ("projects",),
    "properties": ("build_properties", "buildsets", "changes"),
    "_properties": ("build_properties", "buildsets", "changes"),
    "schedulers": ("schedulers", "scheduler_masters", "masters"),
    "sourcestamps": ("source_stamps", "buildset_source_stamps"),
    "steps": ("steps",),
    "step_times": ("steps",),
    "test_result_sets": ("test_result_sets",),
    "test_results": ("test_results",),
    "workers": ("workers", "connected_workers", "configured_workers"),
}


def _dependents(table: Table) -> set[str]:
    """Return the tables that lose rows when *table* does."""
    found = {table.name}
    for other in metadata.sorted_tables:
        if any(key.column.table.name in found for key in other.foreign_keys):
            found.add(other.name)
    return found


AFFECTED_BY_DELETE: dict[str, frozenset[str]] = {
    table.name: frozenset(_dependents(table)) for table in metadata.sorted_tables
}
"""Which tables a deletion touches, by the table that is named in it."""


class Generations:
    """Counts, for each kind, the transactions that touched what the kind is read from."""

    def __init__(self, *, is_shared: bool) -> None:
        self._is_shared = is_shared
        self._numbers: dict[str, int] = defaultdict(int)
        self._kinds: dict[str, tuple[str, ...]] = {}
        for kind, tables in _TABLES_OF_KIND.items():
            for table in tables:
                self._kinds[table] = (*self._kinds.get(table, ()), kind)

    def of(self, kind: str) -> int:
        """Return the number of *kind*; equal numbers mean equal answers.

        What other masters do is not seen here: where there may be some, no two are equal.
        """
        if self._is_shared:
            self._numbers[kind] += 1
        return self._numbers[kind]

    def note(self, touched: Iterable[str]) -> None:
        """Tables (or kinds) were touched and the transaction is committed."""
        for name in touched:
            for kind in self._kinds.get(name, (name,)):
                self._numbers[kind] += 1
