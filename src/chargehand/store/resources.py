"""Resources: every kind that the REST API has, read with SQL, a page at a time."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any

from msgspec.structs import replace
from sqlalchemy import Connection

from chargehand.resources.query import Page, Query
from chargehand.store.database import Database
from chargehand.store.resource_sql import (
    blame,
    commit_graph,
    farm,
    properties,
    records,
    running,
    sources,
)
from chargehand.store.resource_sql.planning import Plan, parameters_of, planner, shape_of
from chargehand.store.resource_sql.shapes import Kind

_KINDS: dict[str, Kind] = {
    "branches": records.BRANCHES,
    "build_data": running.BUILD_DATA,
    "builders": farm.BUILDERS,
    "buildrequests": sources.REQUESTS,
    "builds": running.BUILDS,
    "build_times": running.BUILD_TIMES,
    "buildsets": sources.BUILDSETS,
    "changes": sources.CHANGES,
    "changesources": farm.CHANGE_SOURCES,
    "codebases": records.CODEBASES,
    "commits": records.COMMITS,
    "logs": running.LOGS,
    "masters": farm.MASTERS,
    "projects": farm.PROJECTS,
    "schedulers": farm.SCHEDULERS,
    "sourcestamps": sources.SOURCE_STAMPS,
    "steps": running.STEPS,
    "step_times": running.STEP_TIMES,
    "test_result_sets": records.TEST_RESULT_SETS,
    "test_results": records.TEST_RESULTS,
    "triggered_builds": running.TRIGGERED_BUILDS,
    "workers": farm.WORKERS,
}
_SPECIAL: dict[str, Callable[[Connection, Query], Page]] = {
    "_properties": properties.as_list,
    "commit_graphs": commit_graph.common_parent,
    "properties": properties.as_one,
}
_plan = planner(_KINDS)

_REMEMBERED_TOTALS = 1000


class Resources:
    """Answers questions about resources (``web.Resources``)."""

    def __init__(self, *, database: Database) -> None:
        self._database = database
        self._totals = _Totals()

    async def fetch(self, query: Query) -> Page:
        """Return rows with the REST API's fields, filtered, sorted and cut in SQL.

        Raises ValueError for a kind or a field that there is not, and for an impossible filter.
        """
        special = _SPECIAL.get(query.kind)
        if special is not None:
            return await self._database.read(lambda connection: special(connection, query))
        if query.kind not in _KINDS:
            raise ValueError(f"there are no {query.kind}")
        generation = self._database.generation(query.kind)
        return await self._database.read(
            lambda connection: self._page(connection, query, generation)
        )

    def generation(self, kind: str) -> int:
        """Return a number that grows whenever an answer about this kind may have changed."""
        return self._database.generation(kind)

    def _page(self, connection: Connection, query: Query, generation: int) -> Page:
        if query.kind == "changes":
            query = replace(query, scope=blame.narrowed(connection, query.scope))
        kind = _KINDS[query.kind]
        shape = shape_of(query, kind)
        plan = _plan(shape)
        values = parameters_of(query, kind)
        rows = _rows(connection, plan, query, values)
        offset = query.offset or 0
        is_last = query.limit is None or len(rows) < query.limit
        if is_last and (rows or not offset):
            return Page(rows=rows, total=offset + len(rows))
        key = (shape, tuple(sorted((name, str(value)) for name, value in values.items())))
        total = self._totals.find(key, generation)
        if total is None:
            total = connection.execute(plan.count, values).scalar_one()
            self._totals.keep(key, generation, total)
        return Page(rows=rows, total=total)


def _rows(
    connection: Connection, plan: Plan, query: Query, values: dict[str, Any]
) -> list[dict[str, Any]]:
    names = plan.names
    rows = [dict(zip(names, row, strict=True)) for row in connection.execute(plan.rows, values)]
    for name, decode in plan.decoders:
        for row in rows:
            row[name] = decode(row[name])
    if not plan.related:
        return rows
    for name, key_name, related in plan.related:
        keys = [row.pop(key_name) for row in rows]
        found = related.load(connection, keys, query) if keys else {}
        for row, key in zip(rows, keys, strict=True):
            row[name] = found[key] if key in found else related.otherwise()
    fields = plan.fields
    return [{name: row[name] for name in fields} for row in rows]


class _Totals:
    """Totals that were counted, as long as nothing has changed. Used by several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._found: OrderedDict[Hashable, tuple[int, int]] = OrderedDict()

    def find(self, key: Hashable, generation: int) -> int | None:
        with self._lock:
            known = self._found.get(key)
        return known[1] if known and known[0] == generation else None

    def keep(self, key: Hashable, generation: int, total: int) -> None:
        with self._lock:
            self._found[key] = (generation, total)
            self._found.move_to_end(key)
            if len(self._found) > _REMEMBERED_TOTALS:
                self._found.popitem(last=False)
