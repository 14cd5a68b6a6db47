"""PostgreSQL for tests, from Debian's packages: one server for all processes of a run.

Making a database with our tables takes longer than most tests that need one. So databases are used
again: emptied after a test, unless it left a connection or changed a table.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from tempfile import mkdtemp

import pytest
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.pool import NullPool

from chargehand.store.engine import schema

_DIRECTORY = "CHARGEHAND_TESTS_POSTGRESQL"
"""The environment variable with the server's directory: processes of a run inherit it."""

# Nothing here outlives the run, and no test waits for a disk.
_OPTIONS = (
    "-c listen_addresses='' -c max_connections=200 -c fsync=off -c synchronous_commit=off"
    " -c full_page_writes=off -c wal_level=minimal -c max_wal_senders=0 -c autovacuum=off"
)


def announce() -> bool:
    """Choose the server's directory for this process and those that it starts.

    Returns whether it was this process that chose, which then must call `stop` at the end.
    """
    if _DIRECTORY in os.environ:
        return False
    os.environ[_DIRECTORY] = mkdtemp(prefix="chargehand-postgresql-")
    return True


def socket() -> Path:
    """Return the directory with the running server's socket, starting the server when needed."""
    directory = Path(os.environ[_DIRECTORY])
    with _locked(directory):
        if not (directory / "data" / "postmaster.pid").exists():
            _start(directory)
    return directory


def stop() -> None:
    """Stop the server if it runs, and remove its directory."""
    directory = Path(os.environ.pop(_DIRECTORY))
    if (directory / "data" / "postmaster.pid").exists():
        _run(_tool("pg_ctl"), "-D", str(directory / "data"), "-m", "immediate", "stop")
    shutil.rmtree(directory, ignore_errors=True)


class Databases:
    """The databases of one process of the run."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket
        self._server = self._engine("postgres", isolation_level="AUTOCOMMIT")
        self._numbers = count(1)
        self._used: list[str] = []
        self._described = ""
        """What `_DESCRIPTION` finds in a database with our tables alone."""

    def url(self, name: str) -> str:
        """Return the URL that a configuration has for the database."""
        return f"postgresql://postgres@/{name}?host={self._socket}"

    def new(self) -> str:
        """Make a database without tables; return its name."""
        name = f"test_{os.getpid()}_{next(self._numbers)}"
        with self._server.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        return name

    def take(self) -> str:
        """Return the name of a database with our tables, or with none, and without rows."""
        while self._used:
            name = self._used.pop(0)
            if not self._has_connections(name) and self._emptied(name):
                return name
        return self.new()

    def give_back(self, name: str) -> None:
        """Say that a test is done with a database that it took."""
        self._used.append(name)

    def _has_connections(self, name: str) -> bool:
        counted = "SELECT count(*) FROM pg_stat_activity WHERE datname = :name"
        with self._server.connect() as connection:
            return bool(connection.execute(text(counted), {"name": name}).scalar())

    def _emptied(self, name: str) -> bool:
        """Delete all rows, unless the tables are not what they were."""
        if not self._described:
            with self._engine(self.new()).begin() as connection:
                schema.create(connection)
                self._described = _description(connection)
        with self._engine(name).begin() as connection:
            is_as_it_was = _description(connection) == self._described
            if is_as_it_was:
                connection.exec_driver_sql(_EMPTY)
        return is_as_it_was

    def _engine(self, name: str, **options: str) -> Engine:
        url = f"postgresql+psycopg://postgres@/{name}?host={self._socket}"
        return create_engine(url, poolclass=NullPool, **options)


def _description(connection: Connection) -> str:
    return str(connection.exec_driver_sql(_DESCRIPTION).scalar())


_DESCRIPTION = """
WITH ours AS (SELECT oid FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema)'),
lines AS (
    SELECT concat_ws(' ', oid::regclass, relkind,
                     CASE WHEN relkind = 'i' THEN pg_get_indexdef(oid) END) AS line
      FROM pg_class WHERE relnamespace IN (SELECT oid FROM ours)
    UNION ALL
    SELECT concat_ws(' ', attrelid::regclass, attname, format_type(atttypid, atttypmod),
                     attnotnull, attidentity, pg_get_expr(adbin, adrelid))
      FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
           LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
     WHERE relnamespace IN (SELECT oid FROM ours) AND attnum > 0 AND NOT attisdropped
    UNION ALL
    SELECT concat_ws(' ', conrelid::regclass, conname, pg_get_constraintdef(oid))
      FROM pg_constraint WHERE connamespace IN (SELECT oid FROM ours)
    UNION ALL
    SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL
    SELECT proname FROM pg_proc WHERE pronamespace IN (SELECT oid FROM ours)
    UNION ALL
    SELECT setconfig::text FROM pg_db_role_setting)
SELECT string_agg(line, E'\n' ORDER BY line) FROM lines
"""

# TRUNCATE would make a new file for each table and each of its indexes.
_EMPTY = """
DO $$
DECLARE one record;
BEGIN
    SET LOCAL session_replication_role = replica;
    FOR one IN SELECT oid::regclass AS name, relkind AS kind FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'S')
              AND relname <> 'chargehand_schema'
    LOOP
        IF one.kind = 'S' THEN
            PERFORM setval(one.name, 1, false);
        ELSE
            EXECUTE 'DELETE FROM ' || one.name;
        END IF;
    END LOOP;
END $$
"""


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    with (directory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _start(directory: Path) -> None:
    if os.getuid() == 0:
        shutil.chown(directory, "postgres")
    data = str(directory / "data")
    initdb, pg_ctl = _tool("initdb"), _tool("pg_ctl")
    _run(initdb, "-D", data, "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8")
    options = f"-k {directory} {_OPTIONS}"
    _run(pg_ctl, "-D", data, "-w", "-o", options, "-l", str(directory / "log"), "start")


def _tool(name: str) -> str:
    installed = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    found = str(installed[-1]) if installed else shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed (apt-get install postgresql)")
    return found


def _run(*command: str) -> None:
    # PostgreSQL refuses to run as root.
    user = "postgres" if os.getuid() == 0 else None
    subprocess.run(command, user=user, check=True, capture_output=True, cwd="/")
