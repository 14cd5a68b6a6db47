"""Generations: numbers that grow when answers about a kind of resource may have changed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

# Which tables an answer about a kind is read from.
_TABLES_OF_KIND: dict[str, tuple[str, ...]] = {
    "branches": ("branches",),
    "build_data": ("build_data", "builds", "builders"),
    "builders": ("builders", "builder_masters", "configured_workers"),
    "buildrequests": ("build_requests", "buildsets"),
    "builds": ("builds", "build_properties", "builders", "changes"),
    "triggered_builds": ("builds", "build_properties"),
    "buildsets": ("buildsets", "buildset_source_stamps"),
    "changes": ("changes", "builds", "buildset_source_stamps"),
    "changesources": ("change_sources", "change_source_masters", "masters"),
    "codebases": ("codebases",),
    "commits": ("commits",),
    "logs": ("logs", "steps", "builds"),
    "masters": ("masters", "builder_masters"),
    "projects": ("projects",),
    "properties": ("build_properties", "buildsets", "builds", "changes"),
    "_properties": ("build_properties", "buildsets", "builds", "changes"),
    "schedulers": ("schedulers", "scheduler_masters", "masters"),
    "sourcestamps": ("source_stamps", "buildset_source_stamps"),
    "steps": ("steps", "builds"),
    "test_result_sets": ("test_result_sets",),
    "test_results": ("test_results",),
    "workers": ("workers", "connected_workers", "configured_workers"),
}


class Generations:
    """Counts, for each kind, the transactions that touched what the kind is read from."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = defaultdict(int)
        self._kinds: dict[str, tuple[str, ...]] = {}
        for kind, tables in _TABLES_OF_KIND.items():
            for table in tables:
                self._kinds[table] = (*self._kinds.get(table, ()), kind)

    def of(self, kind: str) -> int:
        """Return the number of *kind*; equal numbers mean equal answers."""
        return self._numbers[kind]

    def note(self, touched: Iterable[str]) -> None:
        """Tables (or kinds) were touched and the transaction is committed."""
        for name in touched:
            for kind in self._kinds.get(name, (name,)):
                self._numbers[kind] += 1
