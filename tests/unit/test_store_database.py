"""The database: shared commits, failures that harm nobody else, schemas, and clear errors."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, insert, select, text

from chargehand.domain.identifiers import MasterId
from chargehand.domain.master import Master
from chargehand.events.messages import Event, MasterStarted
from chargehand.resources.query import Basis
from chargehand.store.engine import schema, tables
from chargehand.store.engine.database import Database, upgrade
from chargehand.store.engine.engines import resolved, writing_engine
from chargehand.store.engine.transaction import Transaction
from chargehand.store.errors import (
    Conflict,
    DatabaseDamaged,
    DatabaseReadOnly,
    DatabaseUnavailable,
    DiskFull,
    SchemaForeign,
    SchemaTooNew,
    SchemaTooOld,
    StoreError,
)

_URL = "sqlite:///state.sqlite"


@pytest.fixture
def events() -> list[Event]:
    return []


@pytest.fixture
async def database(tmp_path: Path, events: list[Event]) -> AsyncIterator[Database]:
    database = Database(url=_URL, basedir=tmp_path, publish=events.extend)
    await database.open()
    yield database
    await database.close()


def _add(name: str, error: Exception | None = None) -> Any:
    def use_case(transaction: Transaction) -> str:
        row = {"name": name, "active": True, "last_active": transaction.now}
        transaction.connection.execute(insert(tables.masters), row)
        master = Master(id=MasterId(0), name=name, active=True, last_active=transaction.now)
        transaction.announce(MasterStarted(master=master))
        if error is not None:
            raise error
        return name

    return use_case


def _names(connection: Connection) -> list[str]:
    return list(connection.execute(select(tables.masters.c.name)).scalars())


async def test_what_was_written_can_be_read_and_was_announced(
    database: Database, events: list[Event]
) -> None:
    assert await database.write(_add("one")) == "one"

    assert await database.read(_names) == ["one"]
    assert [type(event) for event in events] == [MasterStarted]


async def test_a_use_case_that_fails_harms_none_that_share_its_commit(
    database: Database, events: list[Event]
) -> None:
    work = [_add("a"), _add("b", LookupError("no")), _add("a"), _add("c")]

    outcomes = await asyncio.gather(*map(database.write, work), return_exceptions=True)

    assert outcomes[0] == "a"
    assert isinstance(outcomes[1], LookupError)
    assert isinstance(outcomes[2], Conflict)
    assert outcomes[3] == "c"
    assert await database.read(_names) == ["a", "c"]
    assert [event.master.name for event in events] == ["a", "c"]  # type: ignore[attr-defined]  # all are MasterStarted


async def test_events_are_published_before_whoever_waits_goes_on(
    database: Database, events: list[Event]
) -> None:
    seen = []

    async def write(name: str) -> None:
        await database.write(_add(name))
        seen.append(len(events))

    await asyncio.gather(*(write(str(number)) for number in range(50)))

    assert all(number >= 1 for number in seen)
    assert [event.master.name for event in events] == [str(n) for n in range(50)]  # type: ignore[attr-defined]  # all are MasterStarted


async def test_a_cancelled_wait_does_not_undo_the_work(database: Database) -> None:
    waiting = asyncio.ensure_future(database.write(_add("one")))
    await asyncio.sleep(0)
    waiting.cancel()

    assert await database.write(lambda transaction: _names(transaction.connection)) == ["one"]


async def test_closing_finishes_what_is_queued(tmp_path: Path) -> None:
    database = Database(url=_URL, basedir=tmp_path, publish=lambda _events: None)
    await database.open()
    waiting = [asyncio.ensure_future(database.write(_add(str(n)))) for n in range(300)]
    await asyncio.sleep(0)

    await database.close()

    assert len(await asyncio.gather(*waiting)) == 300
    with pytest.raises(StoreError, match="not open"):
        await database.write(_add("late"))


async def test_what_comes_while_it_closes_is_refused_and_does_not_wait_for_ever(
    tmp_path: Path,
) -> None:
    database = Database(url=_URL, basedir=tmp_path, publish=lambda _events: None)
    await database.open()
    hold = threading.Event()
    blocking = asyncio.ensure_future(database.write(lambda _: hold.wait()))
    closing = asyncio.ensure_future(database.close())
    await asyncio.sleep(0)

    with pytest.raises(StoreError, match="not open"):
        await database.write(_add("late"))
    hold.set()
    await asyncio.gather(blocking, closing)


async def test_a_database_in_memory_serves_reads_and_writes() -> None:
    database = Database(url="sqlite://", basedir=Path("/nowhere"), publish=lambda _events: None)
    await database.open()

    await database.write(_add("one"))

    assert await database.read(_names) == ["one"]
    await database.close()


async def test_a_full_disk_fails_the_use_case_and_the_master_lives_on(tmp_path: Path) -> None:
    database = Database(url=_URL, basedir=tmp_path, publish=lambda _events: None)
    await database.open()

    def limit(pages: int) -> Any:
        return lambda transaction: transaction.connection.execute(
            text(f"PRAGMA max_page_count={pages}")
        ).scalar()

    now = await database.write(limit(1))
    big = "x" * 1_000_000
    with pytest.raises(DiskFull, match="free some space"):
        await database.write(_add(big))
    await database.write(limit(now + 10_000))

    assert await database.write(_add("small")) == "small"
    assert await database.read(_names) == ["small"]
    await database.close()


def _basis(database: Database, *names: str) -> Basis:
    return Basis(frozenset(names), database.generation())


async def test_an_answer_is_stale_after_a_deletion_from_what_its_table_depends_on(
    database: Database,
) -> None:
    steps, workers = _basis(database, "steps"), _basis(database, "workers", "builders")

    await database.write(lambda transaction: transaction.connection.execute(tables.builds.delete()))

    assert not database.is_current(steps)
    assert database.is_current(workers)


async def test_no_answer_from_a_shared_database_stays_true(tmp_path: Path) -> None:
    database = Database(url=_URL, basedir=tmp_path, publish=lambda _events: None, is_shared=True)

    assert not database.is_current(_basis(database, "builds"))


async def test_times_of_all_use_cases_in_a_commit_are_from_the_clock(database: Database) -> None:
    now = await database.write(lambda transaction: transaction.now)

    assert now > 1_700_000_000


async def test_a_newer_schema_is_refused_with_advice(tmp_path: Path) -> None:
    await upgrade(_URL, tmp_path)
    _set_revision(tmp_path, "9999")

    with pytest.raises(SchemaTooNew, match="9999"):
        await Database(url=_URL, basedir=tmp_path, publish=lambda _events: None).open()


async def test_an_older_schema_is_refused_with_advice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await upgrade(_URL, tmp_path)
    monkeypatch.setattr(schema, "REVISIONS", (*schema.REVISIONS, "9999"))
    monkeypatch.setattr(schema, "HEAD", "9999")

    with pytest.raises(SchemaTooOld, match="chargehand upgrade-master"):
        await Database(url=_URL, basedir=tmp_path, publish=lambda _events: None).open()


async def test_somebody_elses_database_is_left_alone(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "state.sqlite") as other:
        other.execute("CREATE TABLE migrate_version (version integer)")

    with pytest.raises(SchemaForeign, match="another program"):
        await upgrade(_URL, tmp_path)


async def test_a_file_that_is_no_database_is_reported(tmp_path: Path) -> None:
    (tmp_path / "state.sqlite").write_text("hello " * 1000)

    with pytest.raises(DatabaseDamaged, match="not an SQLite database"):
        await upgrade(_URL, tmp_path)


async def test_a_read_only_file_is_reported() -> None:
    # Permissions mean nothing to root: somebody else opens the database.
    directory = Path(tempfile.mkdtemp())
    try:
        await upgrade(_URL, directory)
        directory.chmod(0o555)
        for file in directory.iterdir():
            file.chmod(0o444)
        owner = os.geteuid()
        if owner == 0:
            os.seteuid(65534)
        try:
            with pytest.raises(DatabaseReadOnly, match="check the owner and permissions"):
                await Database(url=_URL, basedir=directory, publish=lambda _events: None).open()
        finally:
            os.seteuid(owner)
    finally:
        directory.chmod(0o755)
        shutil.rmtree(directory)


async def test_a_missing_directory_is_reported(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnavailable, match="its directory exists"):
        await upgrade("sqlite:///missing/state.sqlite", tmp_path)


async def test_migrations_lead_to_the_same_schema(tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()
    (tmp_path / "migrated").mkdir()
    await upgrade(_URL, tmp_path / "made")
    engine = writing_engine(resolved(_URL, tmp_path / "migrated"))
    with engine.begin() as connection:
        schema.migrate(connection)
    engine.dispose()

    made, migrated = (_described(tmp_path / name) for name in ("made", "migrated"))

    assert made == migrated
    assert made["version"] == schema.HEAD
    versions = Path(schema.__file__).parents[1] / "migrations" / "versions"
    assert tuple(sorted(file.name[:4] for file in versions.glob("0*.py"))) == schema.REVISIONS


def test_opening_a_database_does_not_import_alembic() -> None:
    program = "import sys, chargehand.store.store; print('alembic' in sys.modules)"

    found = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)

    assert found.stdout.strip() == b"False"


@pytest.mark.parametrize(
    ("url", "means"),
    [
        ("sqlite:///state.sqlite", "sqlite:////base/state.sqlite"),
        ("sqlite:////abs/state.sqlite", "sqlite:////abs/state.sqlite"),
        ("sqlite:///%(basedir)s/x.sqlite", "sqlite:////base/x.sqlite"),
        ("postgresql://u@h/d", "postgresql+psycopg://u@h/d"),
        ("postgresql+psycopg2://u@h/d?x=1", "postgresql+psycopg://u@h/d?x=1"),
        ("postgres://u@h/d", "postgresql+psycopg://u@h/d"),
        ("mysql+pymysql://u@h/d?max_idle=300", "mysql+pymysql://u@h/d"),
    ],
)
def test_urls_mean_what_buildbots_do(url: str, means: str) -> None:
    found = resolved(url, Path("/base"))

    assert found.render_as_string(hide_password=False) == means


def test_a_bad_url_is_reported() -> None:
    with pytest.raises(DatabaseUnavailable, match="not a valid database URL"):
        resolved("nonsense", Path("/base"))


def _set_revision(basedir: Path, revision: str) -> None:
    with sqlite3.connect(basedir / "state.sqlite") as connection:
        connection.execute(f"UPDATE {schema.VERSION_TABLE} SET version_num = '{revision}'")


def _described(basedir: Path) -> dict[str, Any]:
    with sqlite3.connect(basedir / "state.sqlite") as connection:
        names = [
            row[0]
            for row in connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE ?",
                (f"{schema.VERSION_TABLE}%",),
            )
        ]
        found: dict[str, Any] = {}
        for name in sorted(names):
            found[name] = {
                "columns": connection.execute(f"PRAGMA table_info({name})").fetchall(),
                "keys": sorted(
                    row[2:] for row in connection.execute(f"PRAGMA foreign_key_list({name})")
                ),
                "indexes": sorted(
                    row[1:] for row in connection.execute(f"PRAGMA index_list({name})")
                ),
            }
        indexes = "SELECT sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
        found["indexes"] = sorted(row[0] for row in connection.execute(indexes))
        version = f"SELECT version_num FROM {schema.VERSION_TABLE}"
        found["version"] = connection.execute(version).fetchone()[0]
        return found
