"""Transactions of use cases."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Engine

from chargehand.events.messages import Event
from chargehand.store.engine.generations import AFFECTED_BY_DELETE
from chargehand.store.engine.prepared import PreparedStatements


class WritingConnection(Connection):
    """A connection that records the tables written to."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.touched: set[str] = set()
        self._prepared = PreparedStatements() if engine.dialect.name == "sqlite" else None

    def execute(self, statement: Any, parameters: Any = None, **options: Any) -> Any:
        """Execute *statement*, and record its table if it writes."""
        # Insert, Update and Delete have a table; Select has none.
        table = getattr(statement, "table", None)
        if table is not None:
            if statement.is_delete:
                self.touched |= AFFECTED_BY_DELETE.get(table.name, frozenset())
            else:
                self.touched.add(table.name)
        if self._prepared is not None and parameters and not options:
            prepared = self._prepared.find(statement, parameters, self)
            if prepared is not None:
                return prepared.execute(self, parameters)
        return super().execute(statement, parameters, **options)


class Transaction:
    """Passed to a use case, which reads and writes with ``connection`` and announces events.

    ``now`` is the time of the transaction, in seconds since 1970. Written tables are recorded
    automatically.
    """

    __slots__ = ("connection", "events", "now")

    def __init__(self, connection: WritingConnection, now: float) -> None:
        self.connection = connection
        self.now = now
        self.events: list[Event] = []

    def announce(self, event: Event) -> None:
        """Publish *event* after the commit, in the order of the announcements."""
        self.events.append(event)
