"""A database with rows of an earlier revision keeps them, and works at the newest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import (
    Boolean,
    Connection,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    insert,
    select,
)
from store_workshop import opened

from chargehand.store.engine import schema, tables
from chargehand.store.engine.columns import Json
from chargehand.store.engine.database import upgrade
from chargehand.store.engine.engines import resolved, writing_engine


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """Return the URL of a database without any table."""
    if request.param == "sqlite":
        return "sqlite:///state.sqlite"
    return str(request.getfixturevalue("bare_postgresql")())


_OLD = schema.REVISIONS[:-1]
_Rows = dict[str, list[dict[str, Any]]]


def _old_database(connection: Connection, revision: str) -> _Rows:
    """Make the tables of *revision* with one row in each, and return the rows."""
    config = Config()
    config.set_main_option("script_location", "chargehand.store:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, revision)
    metadata = MetaData()
    metadata.reflect(connection)
    for table in metadata.sorted_tables:
        if table.name != schema.VERSION_TABLE:
            connection.execute(insert(table).values(_row(table)))
    return _rows(connection, metadata)


def _row(table: Table) -> dict[str, object]:
    later = {key.parent.name for key in table.foreign_keys if key.column.table is table}
    return {
        column.name: None if column.name in later and column.nullable else _value(column)
        for column in table.columns
        if not (column.name in _LATER and column.nullable) and not _is_number(table, column)
    }


_LATER = {"parent_build_id", "rebuilt_build_id"}
"""They refer to tables that refer to theirs."""


def _is_number(table: Table, column: Any) -> bool:
    """Return whether the database gives the number."""
    return column.name == "id" and column.primary_key and not column.foreign_keys


def _value(column: Any) -> object:
    match column.type:
        case Boolean():
            return True
        case Integer():
            return 1
        case Float():
            return 1.5
        case LargeBinary():
            return b"x"
    return "{}" if column.name in _JSON else "x"


_JSON = {c.name for t in tables.metadata.sorted_tables for c in t.columns if c.type is Json}


def _rows(connection: Connection, metadata: MetaData) -> _Rows:
    return {
        table.name: [dict(row) for row in connection.execute(select(table)).mappings()]
        for table in metadata.sorted_tables
        if table.name != schema.VERSION_TABLE
    }


@pytest.mark.parametrize("revision", _OLD)
async def test_rows_of_each_earlier_revision_are_kept(
    revision: str, database_url: str, tmp_path: Path
) -> None:
    engine = writing_engine(resolved(database_url, tmp_path))
    with engine.begin() as connection:
        before = _old_database(connection, revision)
    assert all(len(rows) == 1 for rows in before.values())

    await upgrade(database_url, tmp_path)

    with engine.begin() as connection:
        metadata = MetaData()
        metadata.reflect(connection)
        after = _rows(connection, metadata)
        assert schema.revision_of(connection) == schema.HEAD
        assert after.keys() == {*tables.metadata.tables}
        for name, (row,) in before.items():
            assert after[name][0].items() >= row.items(), name
        if revision == "0001":  # What was claimed before epochs was claimed in the first.
            assert after["build_requests"][0]["claimed_epoch"] == 0
        assert set(tables.metadata.tables["builds"].columns.keys()) == after["builds"][0].keys()
    engine.dispose()
    async with opened(database_url, tmp_path) as workshop:
        build = await workshop.build()
        assert build.id > before["builds"][0]["id"]
