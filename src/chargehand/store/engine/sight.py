"""Visibility in SQL: removes hidden rows from every reading statement."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TypeVarTuple, cast

from sqlalchemy import (
    Column,
    ColumnElement,
    ForeignKey,
    FromClause,
    Select,
    Table,
    Text,
    and_,
    case,
    exists,
    false,
    literal,
    not_,
    null,
    or_,
    select,
)
from sqlalchemy.sql import visitors

from chargehand.resources.visibility import Choice, Visibility
from chargehand.store.engine.columns import as_json
from chargehand.store.engine.name_sets import is_one_of
from chargehand.store.engine.portable import holds, words_among
from chargehand.store.engine.tables import (
    api_tokens,
    audit,
    build_properties,
    builders,
    builds,
    buildsets,
    changes,
    metadata,
    projects,
    requests,
    source_stamps,
    web_sessions,
    workers,
)

Ts = TypeVarTuple("Ts")
_Condition = ColumnElement[bool]

_FEW = {"builders", "projects", "workers", "codebases"}
"""Small tables, whose visible rows are computed once per statement."""

_MASKED: dict[Column[int], Column[int]] = {
    builds.c.worker_id: workers.c.id,
    buildsets.c.parent_build_id: builds.c.id,
    buildsets.c.rebuilt_build_id: builds.c.id,
}
"""References that become NULL if their target is hidden; other rows are hidden with it."""

_FOLLOWING = {requests.c.buildset_id, builds.c.request_id}
"""References whose target is visible whenever the row is."""

_FEW_NAMES = 20
_MANY_NAMES = 100

_OF_WORKERS = ("workername", "slavename")
"""Properties of a build that name its worker."""


@lru_cache(maxsize=2000)
def as_seen(statement: Select[*Ts], sees: Visibility, *, is_of_one: bool = False) -> Select[*Ts]:
    """Return *statement* with each table replaced by its visible rows.

    The rows are the same if it *is_of_one*, about one thing and what belongs to it: then what is
    visible is looked up for each row, instead of once for all that there are.
    """
    views = _views(sees, is_of_one and _has_many(sees))

    def seen(element: object, **_: object) -> object:
        if isinstance(element, Table):
            return views.get(element)
        if isinstance(element, Column) and element.table in views:
            return views[element.table].c[element.key]
        return None

    return cast("Select[*Ts]", visitors.replacement_traverse(statement, {}, seen))


@lru_cache(maxsize=200)
def _views(sees: Visibility, is_of_one: bool) -> Mapping[Table, FromClause]:
    sight = _VisibleRows(sees, is_of_one=is_of_one)
    found = {table: sight.view(table) for table in metadata.sorted_tables}
    return {table: view for table, view in found.items() if view is not None}


def _has_many(sees: Visibility) -> bool:
    choices = (sees.builders, sees.workers, sees.projects, sees.tags)
    return any(len(one.names) > _MANY_NAMES for one in choices)


class _VisibleRows:
    """Determines the visible rows of each table, from its own rule and its references."""

    def __init__(self, sees: Visibility, *, is_of_one: bool) -> None:
        self._sees = sees
        self._is_of_one = is_of_one
        self._conditions: dict[Table, _Condition | None] = {}

    def view(self, table: Table) -> FromClause | None:
        """Return the visible rows and values, None if everything is visible."""
        condition = self._condition(table)
        masks = {
            column: mask
            for column in table.c
            if column in _MASKED and (mask := self._reference(column, _MASKED[column])) is not None
        }
        if condition is None and not masks:
            return None
        columns = (
            case((masks[column], column), else_=null()).label(column.key)
            if column in masks
            else column
            for column in table.c
        )
        rows = select(*columns)
        return (rows if condition is None else rows.where(condition)).subquery(f"{table.name}_seen")

    def _condition(self, table: Table) -> _Condition | None:
        """Return the condition for visible rows, None for all."""
        if table not in self._conditions:
            parts = [self._rule(table), *self._belonging(table)]
            limits = [part for part in parts if part is not None]
            self._conditions[table] = and_(*limits) if limits else None
        return self._conditions[table]

    def _belonging(self, table: Table) -> list[_Condition | None]:
        return [
            self._reference(column, key.column)
            for column in table.c
            if column not in _MASKED and column not in _FOLLOWING
            for key in _keys(column)
        ]

    def _reference(self, column: Column[int], target: Column[int]) -> _Condition | None:
        """Return the condition that the target of *column* is visible, or NULL."""
        table = target.table
        assert isinstance(table, Table)
        condition = self._condition(table)
        if condition is None:
            return None
        if table.name in _FEW and not self._is_of_one:
            chosen = select(target).where(condition).correlate(None)
            seen: _Condition = (column if self._is_narrow else column + 0).in_(chosen)
        else:
            seen = exists(select(1).where(target == column, condition).correlate(column.table))
        return or_(column.is_(None), seen) if column.nullable else seen

    @property
    def _is_narrow(self) -> bool:
        """Whether few rows are seen, so that it pays to begin with them.

        A database that begins with many (it does not know how many there are) looks up each of
        them, for each row of what is asked for; a calculated value has no index to do it with.
        """
        choices = (self._sees.builders, self._sees.workers, self._sees.projects, self._sees.tags)
        return any(not one.is_exclusion and len(one.names) <= _FEW_NAMES for one in choices)

    def _rule(self, table: Table) -> _Condition | None:
        sees = self._sees
        match table.name:
            case workers.name:
                return self._chosen(workers.c.name, sees.workers)
            case projects.name:
                return self._chosen(projects.c.name, sees.projects)
            case builders.name:
                return _all(
                    self._chosen(builders.c.name, sees.builders),
                    _tagged(sees.tags),
                    None if sees.projects.has("") else builders.c.project_id.is_not(None),
                )
            case audit.name | web_sessions.name | api_tokens.name:  # They name what is hidden.
                return None if sees.is_everything else false()
            case buildsets.name:
                return self._is_for_seen_builders()
            case build_properties.name:
                return self._names_no_hidden_worker()
            case changes.name | source_stamps.name:
                return self._is_of_seen_project(table.c.project)
        return None

    def _is_for_seen_builders(self) -> _Condition | None:
        """A buildset is visible with any of its requests; without requests, to everybody."""
        seen = self._reference(requests.c.builder_id, builders.c.id)
        if seen is None:
            return None
        of_buildset = select(1).where(requests.c.buildset_id == buildsets.c.id)
        return or_(
            exists(of_buildset.where(seen).correlate(buildsets)),
            ~exists(of_buildset.correlate(buildsets)),
        )

    def _names_no_hidden_worker(self) -> _Condition | None:
        seen = self._reference(builds.c.worker_id, workers.c.id)
        if seen is None:
            return None
        name, build_id = build_properties.c.name, build_properties.c.build_id
        of_build = select(1).where(builds.c.id == build_id, seen).correlate(build_properties)
        return or_(name.not_in(_OF_WORKERS), exists(of_build))

    def _is_of_seen_project(self, name: Column[str]) -> _Condition | None:
        """Changes refer to projects by name only; most names match no configured project."""
        condition = self._chosen(projects.c.name, self._sees.projects)
        if condition is None:
            return None
        return name.not_in(select(projects.c.name).where(~condition).correlate(None))

    def _chosen(self, name: Column[str], choice: Choice) -> _Condition | None:
        if choice.is_everything:
            return None
        if self._is_of_one:
            chosen = is_one_of(name, choice.names)
        else:
            # As one value: databases limit how many there may be, and each would cost time.
            chosen = words_among(name, as_json(sorted(choice.names)))
        return not_(chosen) if choice.is_exclusion else chosen


def _keys(column: Column[int]) -> set[ForeignKey]:
    return column.foreign_keys


def _tagged(choice: Choice) -> _Condition | None:
    if choice.is_everything:
        return None
    if not choice.names:
        return false()
    text = builders.c.tags
    # An element of a list in JSON comes after a bracket or a comma.
    has_one = or_(
        *(
            holds(text, literal(f"{before}{as_json(tag)}{after}", Text()))
            for tag in sorted(choice.names)
            for before in "[,"
            for after in ",]"
        )
    )
    return ~has_one if choice.is_exclusion else has_one


def _all(*parts: _Condition | None) -> _Condition | None:
    limits = [part for part in parts if part is not None]
    return and_(*limits) if limits else None
