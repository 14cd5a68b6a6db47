"""SQLAlchemy engines for a ``db_url``, configured for the store."""

from __future__ import annotations

from pathlib import Path
from sqlite3 import Connection as SqliteConnection

from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.pool import StaticPool

from chargehand.kit.regular_files import require_regular
from chargehand.store.engine.name_sets import prepare_name_sets
from chargehand.store.engine.redacted import prepare_sqlite as prepare_functions
from chargehand.store.errors import DatabaseUnavailable

_DRIVERS = {
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg2": "postgresql+psycopg",
    "postgresql+pg8000": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}
# Options of Buildbot's URLs that have no meaning here.
_IGNORED_OPTIONS = ("max_idle", "serialize_access", "storage_engine")

BUSY_MILLISECONDS = 10_000
"""How long to wait for a lock of another program."""

_PATIENCE: dict[str, object] = {
    "connect_timeout": 10,
    "keepalives_idle": 20,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
"""Settings of PostgreSQL connections that detect a vanished server."""


def resolved(url: str, basedir: Path) -> URL:
    """Return the URL for *url* in a configuration; relative files are in *basedir*."""
    try:
        parsed = make_url(url.replace("%(basedir)s", str(basedir)))
    except ArgumentError as error:
        raise DatabaseUnavailable(f"db_url {url!r} is not a valid database URL: {error}") from error
    parsed = parsed.set(drivername=_DRIVERS.get(parsed.drivername, parsed.drivername))
    parsed = parsed.difference_update_query(_IGNORED_OPTIONS)
    if parsed.get_backend_name() == "sqlite" and not is_in_memory(parsed):
        path = basedir / (parsed.database or "")
        _require_file(path)
        parsed = parsed.set(database=str(path))
    return parsed


def _require_file(path: Path) -> None:
    """Raise DatabaseUnavailable for what SQLite would call a failing disk, such as a FIFO."""
    try:
        require_regular(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return  # SQLite creates it, or says why it cannot.
    except OSError as error:
        raise DatabaseUnavailable(f"cannot open {path}: {error.strerror}") from error


def shown(url: str) -> str:
    """Return a ``db_url`` without its password, for display."""
    try:
        return make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        return "given by db_url"


def is_in_memory(url: URL) -> bool:
    """Return whether it is an in-memory SQLite database, which ends with its connection."""
    return url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:")


def writing_engine(url: URL) -> Engine:
    """Return an engine whose transactions take SQLite's write lock at their start."""
    return _engine(url, "BEGIN IMMEDIATE")


def reading_engine(url: URL) -> Engine:
    """Return an engine whose transactions read a consistent snapshot."""
    return _engine(url, "BEGIN")


def _arguments(url: URL) -> dict[str, object]:
    """Return connection arguments, except those in the URL."""
    match url.get_backend_name():
        case "sqlite":
            return {
                "check_same_thread": False,
                "cached_statements": 512,
                "timeout": BUSY_MILLISECONDS / 1000,
            }
        case "postgresql":
            return {name: value for name, value in _PATIENCE.items() if name not in url.query}
        case _:
            return {}


def _driver(url: URL) -> str:
    is_ours = url.get_backend_name() == "postgresql"
    return "; run: pip install 'chargehand[postgresql]'" if is_ours else ""


def _engine(url: URL, begin: str) -> Engine:
    is_sqlite = url.get_backend_name() == "sqlite"
    arguments = _arguments(url)
    # An in-memory database exists only in its single connection.
    pool = StaticPool if is_in_memory(url) else None
    try:
        engine = create_engine(url, connect_args=arguments, query_cache_size=1000, poolclass=pool)
    except (NoSuchModuleError, ModuleNotFoundError) as error:
        raise DatabaseUnavailable(
            f"no driver for {url.drivername} databases is installed ({error}){_driver(url)}"
        ) from error
    if is_sqlite:
        event.listen(engine, "connect", _prepare_sqlite)

        def begin_transaction(connection: SqliteConnection) -> None:
            if not connection.in_transaction:  # Else it was begun without SQLAlchemy.
                connection.execute(begin).close()

        # The driver leaves transactions alone (see below). An engine's event would do as
        # well, at the price of a slower path for every statement.
        engine.dialect.do_begin = begin_transaction  # type: ignore[assignment,method-assign]  # as said
    return engine


def _prepare_sqlite(connection: SqliteConnection, _record: object) -> None:
    # Transactions begin where SQLAlchemy says, not where the driver guesses from the statement.
    connection.isolation_level = None
    for pragma in (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=ON",
        "temp_store=MEMORY",
        "cache_size=-16384",
        # Pages that change often are copied back less often.
        "wal_autocheckpoint=4000",
    ):
        connection.execute(f"PRAGMA {pragma}").close()
    prepare_functions(connection)
    prepare_name_sets(connection)
