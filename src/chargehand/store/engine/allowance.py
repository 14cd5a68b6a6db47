"""How long the database may work on one question of a visitor."""

from __future__ import annotations

import time
from collections.abc import Callable
from sqlite3 import Connection as SqliteConnection
from typing import TypeVar

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from chargehand.domain.outages import TooSlow

T = TypeVar("T")

_INSTRUCTIONS = 200_000
"""Of SQLite's, between looks at the clock: a few milliseconds."""
_CANCELED_BY_POSTGRESQL = "57014"


class LimitedConnection:
    """Runs questions on one connection, none for longer than *seconds* where these are given."""

    def __init__(self, connection: Connection, seconds: float | None) -> None:
        self._connection = connection
        self._seconds = seconds
        self._ends_at = 0.0
        if seconds is not None:
            self._limit(connection, seconds)

    def _limit(self, connection: Connection, seconds: float) -> None:
        driver = connection.connection.driver_connection
        if isinstance(driver, SqliteConnection):
            driver.set_progress_handler(self._is_over, _INSTRUCTIONS)
        elif connection.dialect.name == "postgresql":
            limit = f"SET SESSION statement_timeout = {round(seconds * 1000)}"
            with connection.begin():
                connection.execute(text(limit))

    def run(self, query: Callable[[Connection], T]) -> T:
        """Return what *query* returns. Raises TooSlow."""
        self._ends_at = time.monotonic() + (self._seconds or 0)
        try:
            with self._connection.begin():
                return query(self._connection)
        except DBAPIError as error:
            if self._seconds is None or not _is_interrupted(error):
                raise
            raise TooSlow(
                f"this takes the database longer than {self._seconds:g} s: "
                "narrow it with other filters, or ask for fewer rows"
            ) from error

    def _is_over(self) -> bool:
        return time.monotonic() > self._ends_at


def _is_interrupted(error: DBAPIError) -> bool:
    original = error.orig
    return (
        getattr(original, "sqlite_errorname", None) == "SQLITE_INTERRUPT"
        or getattr(original, "sqlstate", None) == _CANCELED_BY_POSTGRESQL
    )
