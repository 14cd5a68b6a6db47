"""The database of plug-ins: their own tables, and views of ours to read."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, MetaData, create_engine, event, text
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.pool import QueuePool, StaticPool
from sqlalchemy.schema import CreateTable

from chargehand.kit.expected import Expected
from chargehand.kit.guard import contained
from chargehand.store.engine.engines import is_in_memory, reading_engine, resolved, writing_engine
from chargehand.store.engine.schema import PLUGIN_VIEWS, drop_plugin_views
from chargehand.store.errors import DatabaseUnavailable
from chargehand.store.plugin_views import VIEWS, definitions, readable_tables

T = TypeVar("T")

_log = logging.getLogger(__name__)

FILE = "plugins.sqlite"
"""SQLite: the file with plug-ins' tables, beside that of the master's."""
SCHEMA = "plugins"
"""PostgreSQL: the schema with plug-ins' tables."""

_BUSY_SECONDS = 10.0
_THREADS = 4
_DIGEST = text(
    "SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = :name"
)
_LOCK = 7_165_301
"""The advisory lock of the master that creates the views."""
_PATIENCE = 10.0
_REFUSALS = (
    "because it is a view",
    "cannot update view",
    "cannot insert into view",
    "cannot delete from view",
)


class ReadOnlyTable(Expected):
    """A plug-in tried to write a table of the master."""


class PluginDatabase:
    """Runs plug-ins' work on tables of their own, in threads of their own.

    With SQLite the tables are in a file beside the master's, which is attached read-only; with
    PostgreSQL they are in a schema of the same database. Either is made when it is first used.
    """

    def __init__(self, *, url: str, basedir: Path) -> None:
        self._given = url
        self._basedir = basedir
        self._opening = threading.Lock()
        self._engine: Engine | None = None
        self._threads: ThreadPoolExecutor | None = None

    @cached_property
    def metadata(self) -> MetaData:
        """The tables that may be read; plug-ins add their own."""
        return readable_tables()

    @property
    def engine(self) -> Engine:
        """The engine; its connections see plug-ins' tables, and ours as views. Blocks when it is
        first used. Raises StoreError."""
        with self._opening:
            if self._engine is None:
                self._engine = self._opened()
            return self._engine

    async def do(self, work: Callable[[Connection], T]) -> T:
        """Call *work* with a connection, in a thread, and commit what it has not committed itself.

        Raises what it raises, and rolls back.
        """
        return await self._in_thread(lambda: self._committed(work))

    async def do_with_engine(self, work: Callable[[Engine], T]) -> T:
        """Call *work* with the engine, in a thread. Raises what it raises."""
        return await self._in_thread(lambda: work(self.engine))

    async def close(self) -> None:
        """Wait for work that goes on, and disconnect."""
        threads, self._threads = self._threads, None
        if threads is not None:
            threads.shutdown(wait=False, cancel_futures=True)
            ending = asyncio.to_thread(threads.shutdown)
            _, left = await asyncio.wait([asyncio.ensure_future(ending)], timeout=_PATIENCE)
            if left:
                _log.warning("a plug-in's work on the database is not ending; abandoning it")
                return
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None

    def _committed(self, work: Callable[[Connection], T]) -> T:
        with self.engine.connect() as connection:
            result = work(connection)
            if connection.in_transaction():
                connection.commit()
            return result

    async def _in_thread(self, work: Callable[[], T]) -> T:
        if self._threads is None:
            # SQLite has one writer at a time; others would only wait for it.
            is_sqlite = self._given.startswith("sqlite")
            self._threads = ThreadPoolExecutor(1 if is_sqlite else _THREADS, "plugin-tables")
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, contained, work)

    def _opened(self) -> Engine:
        url = resolved(self._given, self._basedir)
        match url.get_backend_name():
            case "sqlite":
                engine = _sqlite_engine(url)
            case "postgresql":
                _prepare_schemas(url)
                engine = reading_engine(url)
                event.listen(engine, "connect", _set_search_path)
            case other:
                raise DatabaseUnavailable(
                    f"plug-ins cannot have tables in {other} databases, only with SQLite and "
                    "PostgreSQL"
                )
        event.listen(engine, "handle_error", _explain)
        event.listen(engine, "before_execute", self._check)
        return engine

    def _check(self, _connection: Connection, statement: object, *_: object) -> None:
        """Refuse references that no database can check."""
        if isinstance(statement, CreateTable):
            for key in statement.element.foreign_keys:
                if (name := key.target_fullname.partition(".")[0]) in VIEWS:
                    raise ReadOnlyTable(
                        f'table "{statement.element.name}" cannot have a foreign key to "{name}", '
                        "which is the master's; use a plain Integer column"
                    )


def _sqlite_engine(url: URL) -> Engine:
    if is_in_memory(url):
        return create_engine(url, poolclass=StaticPool, connect_args={"check_same_thread": False})
    master = Path(url.database or "")
    own = f"file:{quote(str(master.with_name(FILE)))}"

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(
            own, uri=True, timeout=_BUSY_SECONDS, check_same_thread=False, isolation_level=None
        )
        for statement in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {statement}")
        connection.execute("ATTACH ? AS master", (f"file:{quote(str(master))}?mode=ro",))
        for name, query in definitions(engine.dialect, "master").items():
            connection.execute(f"CREATE TEMP VIEW {name} AS {query}")
        return connection

    engine = create_engine("sqlite://", creator=connect, poolclass=QueuePool)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    return engine


def _prepare_schemas(url: URL) -> None:
    """Create both schemas, and the views unless they are there as they should be."""
    engine = writing_engine(url)
    try:
        with engine.begin() as connection:
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
            connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
            schema = str(connection.execute(text("SELECT current_schema()")).scalar_one())
            queries = definitions(engine.dialect, schema)
            digest = hashlib.sha256(repr(sorted(queries.items())).encode()).hexdigest()
            if connection.execute(_DIGEST, {"name": PLUGIN_VIEWS}).scalar() == digest:
                return
            drop_plugin_views(connection)
            connection.execute(text(f"CREATE SCHEMA {PLUGIN_VIEWS}"))
            for name, query in queries.items():
                # A view with WITH cannot be written through.
                body = f"WITH shown AS ({query}) SELECT * FROM shown"
                connection.exec_driver_sql(f"CREATE VIEW {PLUGIN_VIEWS}.{name} AS {body}")
            connection.execute(text(f"COMMENT ON SCHEMA {PLUGIN_VIEWS} IS '{digest}'"))
    finally:
        engine.dispose()


def _set_search_path(connection: Any, _record: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET search_path TO {SCHEMA}, {PLUGIN_VIEWS}")
    connection.commit()


def _explain(context: ExceptionContext) -> None:
    message = str(context.original_exception)
    if any(words in message for words in _REFUSALS):
        raise ReadOnlyTable(
            f"the master's tables are read-only for plug-ins ({message.splitlines()[0]}); "
            "keep your data in your own table, or use master.data"
        ) from context.original_exception
