"""Transactions of use cases."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, Engine

from chargehand.events.messages import Event
from chargehand.store.engine.engines import BUSY_MILLISECONDS
from chargehand.store.engine.prepared import PreparedStatements, written_tables


class WritingConnection(Connection):
    """A connection that records the tables written to."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.touched: set[str] = set()
        self._prepared = PreparedStatements() if engine.dialect.name == "sqlite" else None
        self._waits = True

    @cached_property
    def _driver(self) -> sqlite3.Connection:
        """The driver's connection; SQLite's is never lost."""
        driver = self.connection.dbapi_connection
        assert isinstance(driver, sqlite3.Connection)
        return driver

    def wait_for_locks(self, waits: bool) -> None:
        """Say whether SQLite waits for other programs' locks; it does at first."""
        if waits is not self._waits:
            self._driver.execute(f"PRAGMA busy_timeout={BUSY_MILLISECONDS if waits else 0}").close()
            self._waits = waits

    def begin_directly(self) -> None:
        """Begin a transaction of SQLite without SQLAlchemy, which joins in when it is needed.

        Raises sqlite3.Error.
        """
        self._driver.execute("BEGIN IMMEDIATE")

    def commit_directly(self) -> None:
        """Commit what `begin_directly` has begun. Raises sqlite3.Error or SQLAlchemyError."""
        if self.in_transaction():
            self.commit()
        else:
            self._driver.commit()

    def roll_back_directly(self) -> None:
        """Roll back what `begin_directly` has begun. Raises sqlite3.Error or SQLAlchemyError."""
        self.rollback()  # Without effect unless SQLAlchemy has joined in.
        self._driver.rollback()

    def execute(self, statement: Any, parameters: Any = None, **options: Any) -> Any:
        """Execute *statement*, and record its table if it writes."""
        if self._prepared is not None and parameters and not options:
            prepared = self._prepared.find(statement, parameters, self)
            if prepared is not None:
                self.touched.update(prepared.touches)
                return prepared.execute(self._driver, parameters)
        self.touched.update(written_tables(statement))
        return super().execute(statement, parameters, **options)


class Transaction:
    """Passed to a use case, which reads and writes with ``connection`` and announces events.

    ``now`` is the time of the transaction, in seconds since 1970. Written tables are recorded
    automatically.
    """

    __slots__ = ("announce", "connection", "events", "now")

    def __init__(self, connection: WritingConnection, now: float) -> None:
        self.connection = connection
        self.now = now
        self.events: list[Event] = []
        self.announce: Callable[[Event], None] = self.events.append
        """Publishes an event after the commit, in the order of the announcements."""
