"""Resources of the REST API, read with SQL, a page at a time."""

from __future__ import annotations

from array import array
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from threading import Lock

from sqlalchemy import Connection

from chargehand.kit.passwords import without_passwords
from chargehand.kit.values import replace
from chargehand.resources.catalog import ENTITIES
from chargehand.resources.field import Resource
from chargehand.resources.query import Basis, Page, Query
from chargehand.resources.selection import select
from chargehand.store.engine.columns import ids_as_json
from chargehand.store.engine.database import Database, Lane
from chargehand.store.engine.reading import Reading, tables_of
from chargehand.store.history.history import History
from chargehand.store.history.recent import RecentBuilds
from chargehand.store.history.statistics import Statistics
from chargehand.store.reading import (
    blame,
    causes,
    commit_graph,
    farm,
    properties,
    records,
    running,
    searching,
    sources,
)
from chargehand.store.reading.binding import bound
from chargehand.store.reading.planning import parameters_of, planner, shape_of
from chargehand.store.reading.shapes import Kind

_KINDS: dict[str, Kind] = {
    plural: kind
    for module in (farm, records, running, sources)
    for plural, kind in module.KINDS.items()
}
KINDS: dict[str, Kind] = {
    entity.plural: bound(entity)
    for entity in ENTITIES
    if entity.table and entity.plural not in _KINDS
} | _KINDS
"""Every kind that is stored."""

_SPECIAL: dict[str, Callable[[Reading, Query], list[Resource]]] = {
    "_properties": properties.as_list,
    "commit_graphs": commit_graph.common_parent,
    "properties": properties.as_one,
    "search": searching.search,
}
_plan = planner(KINDS)

_REMEMBERED_TOTALS = 1000


class Resources:
    """Answers questions about resources (``web.Resources``).

    Some kinds have rows that lag behind: they are brought up to date before they are read.
    """

    def __init__(
        self,
        *,
        database: Database,
        history: History | None = None,
        lane: Lane = Lane.ENGINE,
        up_to_date: Mapping[str, Callable[[], Awaitable[None]]] | None = None,
    ) -> None:
        self._database = database
        self._up_to_date = up_to_date or {}
        self._lane = lane
        self._totals = _Totals()
        history = history or History(database)
        self._recent = RecentBuilds(database=database, history=history)
        self._statistics = Statistics(database=database, history=history)

    async def fetch(self, query: Query) -> Page:
        """Return rows with the REST API's fields, filtered, sorted and cut in SQL.

        Raises ValueError for an unknown kind or field, or an impossible filter.
        """
        special = _SPECIAL.get(query.kind)
        statistics = self._statistics.kinds.get(query.kind)
        if special is None and statistics is None and query.kind not in KINDS:
            raise ValueError(f"unknown kind of resource: {query.kind}")
        if _names_a_password(query):
            return Page(rows=[], total=0)
        await self._statistics.prepare(query, self._lane)
        wanted = causes.prepared(await self._recent.prepare(query, self._lane))
        as_of = await self._as_of(query)

        def read(connection: Connection) -> Page:
            reading = Reading(connection, query.sees, is_of_one=_is_of_one(query))
            if statistics is not None:
                page = select(statistics(reading, query, as_of), query)
            elif special is None:
                rows, total = self._page(reading, wanted, as_of)
                self._add(reading, query, rows, as_of)
                page = Page(rows=rows, total=total)
            else:
                page = select(special(reading, query), query)
            return replace(page, basis=Basis(frozenset(reading.tables), as_of))

        return await self._database.read(read, self._lane)

    async def _as_of(self, query: Query) -> int:
        if (bring_up_to_date := self._up_to_date.get(query.kind)) is not None:
            await bring_up_to_date()
        return self._database.generation()

    async def fetch_first(
        self, query: Query, count: int, *, with_others: bool = True
    ) -> tuple[Page, Sequence[int]]:
        """Return the first rows, and the identifiers of the others, as they are at one moment.

        Without the others, one row more than asked for says that there are some. What may be many
        rows is read apart from what is certainly few. Raises ValueError like `fetch`.
        """
        is_small = query.limit is not None and query.limit <= count
        if query.kind not in KINDS or is_small or _names_a_password(query):
            return await self.fetch(query), ()
        wanted = causes.prepared(await self._recent.prepare(query, self._lane))
        as_of = await self._as_of(query)

        def read(connection: Connection) -> tuple[Page, Sequence[int]]:
            reading = Reading(connection, query.sees)
            # Without a limit, the identifiers of the others tell the total.
            is_counted = query.limit is not None or not with_others
            rows, total = self._page(
                reading, replace(wanted, limit=count + 1), as_of, is_counted=is_counted
            )
            others: Sequence[int] = ()
            if len(rows) > count and with_others:
                rows.pop()
                found = identities(reading, self._narrowed(reading, query))
                others = found[count:]
                if not is_counted:
                    total = (query.offset or 0) + len(found)
            self._add(reading, query, rows, as_of)
            basis = Basis(frozenset(reading.tables), as_of)
            return Page(rows=rows, total=total, basis=basis), others

        return await self._database.read(read, Lane.BULK)

    async def fetch_these(self, query: Query, ids: Sequence[int]) -> Page:
        """Return rows of a kind ordered by identifier, without deleted ones."""
        wanted = causes.prepared(await self._recent.prepare(query, self._lane))
        as_of = await self._as_of(query)

        def read(connection: Connection) -> Page:
            reading = Reading(connection, query.sees)
            rows = some(reading, wanted, ids)
            self._add(reading, query, rows, as_of)
            return Page(rows=rows, total=len(rows), basis=Basis(frozenset(reading.tables), as_of))

        return await self._database.read(read, Lane.BULK)

    def _add(self, reading: Reading, query: Query, rows: list[Resource], as_of: int) -> None:
        """Add what rows have only if it is asked for."""
        self._recent.add(reading, query, rows, as_of)
        causes.add(reading, query, rows)

    def is_current(self, basis: Basis) -> bool:
        """Return whether the tables behind an answer are unchanged."""
        return self._database.is_current(basis)

    def _narrowed(self, reading: Reading, query: Query) -> Query:
        if query.kind != "changes":
            return query
        return replace(query, scope=blame.narrowed(reading, query.scope))

    def _page(
        self, reading: Reading, query: Query, as_of: int, *, is_counted: bool = True
    ) -> tuple[list[Resource], int]:
        """Return rows, and the total; unless *is_counted*, 0 if there are more."""
        query = self._narrowed(reading, query)
        kind = KINDS[query.kind]
        shape = shape_of(query, kind)
        plan = _plan(shape)
        values = parameters_of(query, kind)
        found = reading.execute(plan.rows, values)
        rows = plan.selection.resources(reading, found.all(), query)
        offset = query.offset or 0
        is_last = query.limit is None or len(rows) < query.limit
        if is_last and (rows or not offset):
            return rows, offset + len(rows)
        if rows and not is_counted:
            return rows, 0
        key = (
            query.sees,
            shape,
            tuple(sorted((name, str(value)) for name, value in values.items())),
        )
        known = self._totals.find(key)
        if known is not None and self._database.is_current(known[0]):
            return rows, known[1]
        total = reading.execute(plan.count, values).scalar_one()
        self._totals.keep(key, Basis(tables_of(reading.seen(plan.count)), as_of), total)
        return rows, total


def _is_of_one(query: Query) -> bool:
    """Return whether a query is about one thing, or about what belongs to one build."""
    return bool(query.scope) and (
        query.limit == 1
        or not _OF_A_BUILD.isdisjoint(query.scope)
        or _IDENTITIES.get(query.kind) in query.scope
    )


_IDENTITIES = {entity.plural: entity.identity for entity in ENTITIES if entity.fields}
_OF_A_BUILD = frozenset({"buildid", "build_number", "stepid", "logid", "buildrequestid"})


def _names_a_password(query: Query) -> bool:
    """Return whether the path has a text that nothing is shown with."""
    return not query.reveals and any(
        isinstance(value, str) and without_passwords(value) != value
        for value in query.scope.values()
    )


def identities(reading: Reading, query: Query) -> Sequence[int]:
    """Return the identifiers of all rows that *query* asks for."""
    kind = KINDS[query.kind]
    plan = _plan(shape_of(query, kind))
    found = reading.execute(plan.identities, parameters_of(query, kind))
    return array("q", found.scalars().all())


def some(reading: Reading, query: Query, ids: Sequence[int]) -> list[Resource]:
    """Return those rows that have the identifiers; nothing else of *query* narrows them."""
    plan = _plan(shape_of(query, KINDS[query.kind]))
    found = reading.execute(plan.some, {"ids": ids_as_json(ids)}).all()
    made = plan.selection.resources(reading, [row[1:] for row in found], query)
    by_id = {row[0]: resource for row, resource in zip(found, made, strict=True)}
    return [by_id[one] for one in ids if one in by_id]


class _Totals:
    """Totals that were counted, and what they were read from. Used by several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._found: OrderedDict[Hashable, tuple[Basis, int]] = OrderedDict()

    def find(self, key: Hashable) -> tuple[Basis, int] | None:
        with self._lock:
            return self._found.get(key)

    def keep(self, key: Hashable, basis: Basis, total: int) -> None:
        with self._lock:
            self._found[key] = (basis, total)
            self._found.move_to_end(key)
            if len(self._found) > _REMEMBERED_TOTALS:
                self._found.popitem(last=False)
