"""What plug-ins may read of our tables: views with Buildbot's names of tables and columns."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Dialect,
    Integer,
    Label,
    MetaData,
    Select,
    Table,
    cast,
    func,
    select,
)

from chargehand.store.engine import tables
from chargehand.store.engine.columns import Time
from chargehand.store.engine.portable import seconds

_NO_RESULT = -1
"""The result of incomplete buildsets and requests."""

_NAMES = {
    "external_id": "external_idstring",
    "line_count": "num_lines",
    "locks_duration": "locks_duration_s",
    "parent_build_id": "parent_buildid",
    "rebuilt_build_id": "rebuilt_buildid",
    "request_id": "buildrequestid",
    "result": "results",
    "source_stamp_id": "sourcestampid",
    "state": "state_string",
    "urls": "urls_json",
}
"""Buildbot's names of columns; other identifiers are called like ``builderid``."""

_OF_CHANGES = {"id": "changeid", "parent_id": "parent_changeids"}

_OURS = frozenset(
    {
        "claimed_epoch",
        "content",
        "digest",
        "epoch",
        "object_state",
        "properties",
        "raw_properties",
        "secrets",
        "size",
        "statistics",
    }
)
"""Columns and tables that are not shown: of no use to others, or with secrets."""


def _view(table: Table) -> Select[Any]:
    return select(
        *(
            _shown(column).label(_name(column))
            for column in table.columns
            if column.name not in _OURS
        )
    )


def _name(column: Column[Any]) -> str:
    name = column.name
    if column.table is tables.changes and name in _OF_CHANGES:
        return _OF_CHANGES[name]
    buildbots = _NAMES.get(name) or (f"{name[:-3]}id" if name.endswith("_id") else name)
    return name if buildbots in column.table.c else buildbots


def _shown(column: Column[Any]) -> ColumnElement[Any]:
    if column.type is Time:
        return seconds(column)
    if isinstance(column.type, Boolean):
        return cast(column, Integer)
    if column.table in (tables.requests, tables.buildsets) and column.name == "result":
        return func.coalesce(column, _NO_RESULT)
    return column


_CLAIMS = select(
    tables.requests.c.id.label("brid"),
    tables.requests.c.claimed_by.label("masterid"),
    seconds(tables.requests.c.claimed_at).label("claimed_at"),
).where(tables.requests.c.claimed_by.is_not(None))

VIEWS: dict[str, Select[Any]] = {
    "buildrequest_claims": _CLAIMS,
    **{
        table.name.replace("d_requests", "drequests").replace("source_s", "sources"): _view(table)
        for table in tables.metadata.sorted_tables
        if table.name not in _OURS
    },
}
"""What each view shows."""


def readable_tables() -> MetaData:
    """Return the views as tables, for queries; plug-ins add their own tables to it."""
    metadata = MetaData()
    for name, query in VIEWS.items():
        columns = [
            Column(column.name, column.type, primary_key=column.name in ("id", "changeid"))
            for column in query.selected_columns
            if isinstance(column, Label)
        ]
        Table(name, metadata, *columns)
    return metadata


def definitions(dialect: Dialect, schema: str) -> dict[str, str]:
    """Return the text of each view's query, on tables in that schema."""
    return {
        name: str(
            query.compile(
                dialect=dialect,
                schema_translate_map={None: schema},
                render_schema_translate=True,
                compile_kwargs={"literal_binds": True},
            )
        )
        for name, query in VIEWS.items()
    }
