"""What rows of builders have in addition with ``recent``: their last builds, and statistics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from sqlalchemy import false, func, select

from chargehand.kit.values import replace
from chargehand.resources.field import Resource
from chargehand.resources.query import Query
from chargehand.store.engine.database import Database, Lane
from chargehand.store.engine.reading import Reading
from chargehand.store.engine.tables import masters, requests
from chargehand.store.history.history import TABLE, History
from chargehand.store.history.memory import WINDOW

_PENDING = (
    select(requests.c.builder_id, func.count())
    .where(requests.c.claimed == false())
    .group_by(requests.c.builder_id)
)
_ARGUMENT = "recent"
_KEY = "builderid"


class RecentBuilds:
    """Adds recent builds to rows of builders, if they are asked for."""

    def __init__(self, *, database: Database, history: History) -> None:
        self._database = database
        self._history = history

    async def prepare(self, query: Query, lane: Lane) -> Query:
        """Return what to ask for; afterwards `add` has all that it needs."""
        if _ARGUMENT not in query.arguments:
            return query
        await self._history.cover(self._database.now() - WINDOW, lane)
        if not query.fields or _KEY in query.fields:
            return query
        return replace(query, fields=(*query.fields, _KEY))

    def add(self, reading: Reading, query: Query, rows: Sequence[Resource], as_of: int) -> None:
        """Add them to the rows that *query*, as it came, asked for."""
        if _ARGUMENT not in query.arguments:
            return
        count = int(query.arguments[_ARGUMENT])
        pending = {row[0]: row[1] for row in reading.execute(_PENDING, {})}
        # Of a table that the master writes to every now and then: the last 30 days are others then.
        reading.tables |= {TABLE, masters.name}
        now = self._database.now()
        with self._history.using:
            memory = self._history.look(reading.connection, as_of)
            running = Counter(one.builder_id for one in memory.running.values())
            for row in rows:
                builder_id = row[_KEY]
                line = memory.line(builder_id)
                row["recent_builds"] = line.recent(count)
                row["pending_count"] = pending.get(builder_id, 0)
                row["running_count"] = running[builder_id]
                row["statistics"] = line.statistics(now)
        if query.fields and _KEY not in query.fields:
            for row in rows:
                del row[_KEY]
