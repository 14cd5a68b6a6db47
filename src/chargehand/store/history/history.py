"""Reads builds into memory: the last weeks once, then what has changed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from functools import partial
from threading import Lock

from sqlalchemy import Connection, bindparam, func, or_, select

from chargehand.resources.query import Basis
from chargehand.store.engine.columns import ids_as_json
from chargehand.store.engine.database import Database, Lane
from chargehand.store.engine.portable import is_among
from chargehand.store.engine.tables import builders, builds, requests
from chargehand.store.errors import StoreError
from chargehand.store.history.memory import DAY, MOST_RECENT, WINDOW, Memory, Record

TABLE = builds.name

_log = logging.getLogger(__name__)

_SLICE = 10_000
"""Builds that are read at once, so that other questions come in between."""
_FEW = 500
"""Likewise, where nobody waits: some ten milliseconds."""
_PAUSE = 0.05
"""Seconds between two of these."""
_AFTER_START = 2.0
"""Seconds in which a master that has started has other things to do."""
_MARGIN = DAY
"""Seconds more than asked for that are read, so that the next question finds them."""
_MOST_BUILDS = 3_000_000
"""In memory: some 200 MB."""
_OVERLAP = 1000
"""Servers give identifiers before they commit: the last ones are read again."""

_build = builds.c
_BUILDS = select(
    _build.id,
    _build.builder_id,
    _build.number,
    _build.worker_id,
    _build.started_at,
    _build.complete_at,
    _build.result,
    requests.c.submitted_at,
).select_from(builds.join(requests, requests.c.id == _build.request_id))
_FIRST = select(func.min(_build.id)).where(_build.started_at >= bindparam("since"))
_LAST = select(func.max(_build.id))
_COUNT = select(func.count()).where(_build.id >= bindparam("first"), _build.id < bindparam("end"))
_EARLIER = (
    _BUILDS.where(_build.id < bindparam("end"), _build.id >= bindparam("first"))
    .order_by(_build.id.desc())
    .limit(bindparam("count"))
)
_NEWS = _BUILDS.where(or_(_build.id > bindparam("after"), is_among(_build.id)))
_other = builds.alias("other")
# Numbers of a builder's builds have no gaps: this finds its last ones with two looks at an index.
_LAST_OF_BUILDERS = _BUILDS.join(builders, builders.c.id == _build.builder_id).where(
    is_among(builders.c.id),
    _build.id < bindparam("end"),
    _build.number
    > select(func.max(_other.c.number))
    .where(_other.c.builder_id == builders.c.id)
    .scalar_subquery()
    - MOST_RECENT,
)
_BUILDERS = select(builders.c.id)


class TooMany(ValueError):
    """More builds would have to be read than fit into memory."""


class History:
    """The builds since some time, as the database has them now.

    `cover` comes before `look`. Builds are not deleted one by one (`retention.py`), only with their
    builder: so what has ended is read once.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._overlap = 0 if database.dialect_name == "sqlite" else _OVERLAP
        self.using = Lock()
        """What to hold while the memory is looked at: several threads do."""
        self._reading = asyncio.Lock()
        self._memory = Memory(overlap=self._overlap)
        self._since = float("inf")
        self._as_of = -1

    async def cover(self, since: float, lane: Lane) -> None:
        """Read what is missing of the builds that began since then. Raises TooMany."""
        async for _ in self._reading_back(since, lane, _SLICE):
            pass

    async def read_ahead(self) -> None:
        """Read what the list of builders needs before somebody asks for it, without haste.

        A question that comes meanwhile does not wait for this: it reads the rest itself.
        """
        await asyncio.sleep(_AFTER_START)
        try:
            async for _ in self._reading_back(self._database.now() - WINDOW, Lane.BULK, _FEW):
                await asyncio.sleep(_PAUSE)
        except TooMany:
            pass  # The one who asks is told.
        except StoreError as error:
            _log.info("did not read the last weeks of builds ahead: %s", error)

    async def _reading_back(self, since: float, lane: Lane, slice_: int) -> AsyncIterator[None]:
        """Read what is missing, part by part: several may do so at the same time."""
        if since >= self._since:
            return
        until = since - _MARGIN
        first = await self._database.read(partial(self._begin, until), lane)
        is_missing = True
        while is_missing:
            async with self._reading:
                if since >= self._since:
                    return
                is_missing = self._memory.first_id > first
                if is_missing:
                    await self._database.read(partial(self._read_earlier, first, slice_), lane)
                else:
                    await self._database.read(self._complete_lines, lane)
                    self._since = min(self._since, until)
            yield

    def look(self, connection: Connection, as_of: int) -> Memory:
        """Return the memory, not older than *as_of*; hold `using` meanwhile.

        The connection may see less than what another one has read since: nothing is unlearnt.
        """
        basis = Basis(frozenset((TABLE,)), self._as_of)
        if self._as_of < 0 or not self._database.is_current(basis):
            self._catch_up(connection)
            self._as_of = max(self._as_of, as_of)
        return self._memory

    def _begin(self, since: float, connection: Connection) -> int:
        """Return the first identifier to read."""
        memory = self._memory
        with self.using:
            if not memory.first_id:
                memory.last_id = connection.execute(_LAST).scalar_one() or 0
                memory.first_id = memory.last_id + 1
            first = connection.execute(_FIRST, {"since": since}).scalar_one()
            if first is None or first >= memory.first_id:
                return memory.first_id
            span = {"first": first, "end": memory.first_id}
            count = connection.execute(_COUNT, span).scalar_one()
            if count + memory.count > _MOST_BUILDS:
                raise TooMany(
                    f"there are more than {_MOST_BUILDS:,} builds in that time: ask for a shorter "
                    "one"
                )
            return int(first)

    def _read_earlier(self, first: int, slice_: int, connection: Connection) -> None:
        """Read some more of the builds from *first* on, the newest first."""
        memory = self._memory
        values = {"first": first, "end": memory.first_id, "count": slice_}
        rows = connection.execute(_EARLIER, values).all()
        with self.using:
            memory.first_id = int(rows[-1][0]) if len(rows) == slice_ else first
            memory.load(map(Record._make, rows))

    def _complete_lines(self, connection: Connection) -> None:
        """Find the newest builds of builders that have built little lately."""
        ids = connection.execute(_BUILDERS).scalars().all()
        memory = self._memory
        with self.using:
            lines = memory.lines
            few = [one for one in ids if one not in lines or len(lines[one].newest) < MOST_RECENT]
        values = {"ids": ids_as_json(few), "end": memory.first_id}
        rows = connection.execute(_LAST_OF_BUILDERS, values).all()
        with self.using:
            for row in rows:
                memory.show(Record._make(row))

    def _catch_up(self, connection: Connection) -> None:
        memory = self._memory
        running = list(memory.running)
        last = connection.execute(_LAST).scalar_one() or 0
        values = {"after": memory.last_id - self._overlap, "ids": ids_as_json(running)}
        found = [Record._make(row) for row in connection.execute(_NEWS, values)]
        memory.add(found)
        for missing in set(running).difference(one.id for one in found):
            if missing <= last:
                memory.forget(missing)
