"""``master.data`` and ``master.db`` of a test: what they return of the rows it has inserted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from buildbot.test import fakedb
from buildbot.test.resource_rows import RowsOf
from chargehand.resources.endpoints import Resolved, resolve
from chargehand.resources.query import Filter, Listed, Order, Query
from chargehand.resources.selection import select
from chargehand.resources.visibility import EVERYTHING

_NUMBERED = ("id", "changeid", "uid")


class StoredRows:
    """The rows of a test; `get` reads them as the engine's ``data`` does."""

    def __init__(self) -> None:
        self._rows: list[fakedb.Row] = []

    def insert(self, rows: Sequence[fakedb.Row]) -> None:
        """Add rows; those without an identifier get the next one of their class."""
        for row in rows:
            key = next(iter(row.columns))
            if key in _NUMBERED and row.values[key] is None:
                taken = [one.values[key] for one in self._rows if type(one) is type(row)]
                row.values[key] = max(taken, default=0) + 1
            self._rows.append(row)

    async def get(
        self,
        path: str,
        *,
        filters: Sequence[Filter] = (),
        order: Sequence[Order] = (),
        fields: Sequence[str] = (),
        limit: int | None = None,
        offset: int | None = None,
    ) -> Any:
        """Return what the path names: a list, or one resource (None where there is none)."""
        resolved = resolve(tuple(path.strip("/").split("/")))
        if resolved is None:
            raise LookupError(f"the REST API has no path {path}")
        rows = RowsOf(self._rows)
        kind = resolved.endpoint.kind
        if kind in ("properties", "_properties"):
            return _properties(rows, resolved)
        if kind == "logchunks":
            log = next(rows.leading("logs", resolved.scope), None)
            return rows.contents(log, offset or 0, limit)
        query = Query(
            kind=kind,
            sees=EVERYTHING,
            filters=tuple(filters),
            order=tuple(order),
            limit=limit,
            offset=offset,
            fields=tuple(fields),
        )
        page = select(list(rows.leading(kind, resolved.scope)), query)
        if resolved.endpoint.is_collection:
            return Listed(page.rows, page.total)
        return next(iter(page.rows), None)


def _properties(rows: RowsOf, resolved: Resolved) -> Any:
    scope = resolved.scope
    owner = next((name for name in ("buildid", "bsid", "changeid") if name in scope), "buildid")
    number = scope.get(owner)
    if number is None:
        number = next((one["buildid"] for one in rows.leading("builds", scope)), None)
    found = rows.properties(owner, number)
    if resolved.endpoint.kind == "properties":
        return found
    shown = [
        {"name": name, "source": source, "value": value} for name, (value, source) in found.items()
    ]
    return Listed(shown, len(shown))
