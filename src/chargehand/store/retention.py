"""Deletes old data in small transactions: texts of logs, build data, changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from itertools import takewhile
from typing import Any

import msgspec
from sqlalchemy import Connection, Delete, Select, and_, bindparam, delete, or_, select, true

from chargehand.domain.build import LogType
from chargehand.domain.identifiers import BuildId, LogId, MasterId
from chargehand.store.engine.columns import ids_as_json
from chargehand.store.engine.database import Database
from chargehand.store.engine.portable import is_among
from chargehand.store.engine.tables import (
    build_data,
    builds,
    changes,
    logs,
    scheduler_changes,
    steps,
)
from chargehand.store.engine.transaction import Transaction
from chargehand.store.logs.logs import Logs
from chargehand.store.state import State

BATCH = 200
"""Rows that one transaction deletes."""
_WINDOW = 500
"""Builds that one query looks at."""
_SHARE = 4
"""How much longer than its transaction each pause is, so that builds hardly notice the work."""
_LONGEST_PAUSE = 2.0

_OBJECT = ("retention", "chargehand.store.Retention")

_build = builds.c
_LAST = (
    select(_build.id)
    .where(_build.started_at < bindparam("before"))
    .order_by(_build.started_at.desc())
    .limit(1)
)
_BUILDS = (
    select(
        _build.id,
        and_(_build.complete == true(), _build.complete_at < bindparam("before")).label("is_old"),
    )
    .where(_build.id > bindparam("after"), _build.id <= bindparam("last"))
    .order_by(_build.id)
    .limit(_WINDOW)
)
# Files of logs are in the directory of the master that ran the build.
_LOGS = (
    select(logs.c.id, logs.c.size)
    .select_from(logs.join(steps, steps.c.id == logs.c.step_id).join(builds))
    .where(
        is_among(steps.c.build_id),
        logs.c.complete == true(),
        logs.c.type != LogType.DELETED.value,
        or_(logs.c.content.is_not(None), _build.master_id == bindparam("master")),
    )
    .order_by(logs.c.id)
)
_DATA = (
    select(build_data.c.id)
    .join(builds)
    .where(_build.complete == true(), _build.complete_at < bindparam("before"))
    .limit(bindparam("batch"))
)
_DELETE_DATA = delete(build_data).where(is_among(build_data.c.id))
_SURPLUS = select(changes.c.id).order_by(changes.c.id.desc()).offset(bindparam("count")).limit(1)
# What a scheduler still waits to build is kept.
_OLD_CHANGES = (
    select(changes.c.id)
    .where(
        changes.c.id <= bindparam("newest"),
        changes.c.id.not_in(select(scheduler_changes.c.change_id)),
    )
    .order_by(changes.c.id)
    .limit(bindparam("batch"))
)
_DELETE_CHANGES = delete(changes).where(is_among(changes.c.id))


class DeletedLogs(msgspec.Struct, frozen=True):
    """What one transaction deleted: the number of logs, and the size of their text in bytes."""

    count: int
    size: int


class _Window(msgspec.Struct, frozen=True):
    """Consecutive builds: which are old, and up to which all are."""

    last: BuildId | None
    old: tuple[BuildId, ...]
    all_old_to: BuildId | None


class Retention:
    """Deletes what is older than somebody wants to keep.

    Each method is a generator that deletes one batch for each value it yields, and pauses between
    them; stop iterating to stop deleting.
    """

    def __init__(self, *, database: Database, logs: Logs, state: State, batch: int = BATCH) -> None:
        self._batch = batch
        self._database = database
        self._logs = logs
        self._state = state

    def now(self) -> float:
        """Return the time, in seconds since 1970."""
        return self._database.now()

    async def delete_logs(self, before: float, master_id: MasterId) -> AsyncIterator[DeletedLogs]:
        """Delete the texts of logs whose builds finished before that time.

        Remembers up to which build nothing is left, so that the next call begins there.
        """
        key = f"logs of master {master_id}"
        done = int(await self._state.get(*_OBJECT, key, 0))
        last = await self._database.read(lambda connection: _last_build(connection, before))
        after: int = done
        is_gapless = True
        while True:
            window = await self._window(before, after, last)
            if window.last is None:
                break
            found = await self._logs_of(window.old, master_id)
            for start in range(0, len(found), self._batch):
                batch = found[start : start + self._batch]
                await _paced(self._logs.delete_texts([log_id for log_id, _ in batch]))
                yield DeletedLogs(len(batch), sum(size for _, size in batch))
            if is_gapless and window.all_old_to is not None:
                done = window.all_old_to
                await self._state.set(*_OBJECT, key, done)
            is_gapless = is_gapless and window.all_old_to == window.last
            after = window.last

    async def delete_build_data(self, before: float) -> AsyncIterator[int]:
        """Delete data of builds that finished before that time; yields numbers of rows."""
        while ids := await self._ids(_DATA, {"before": before, "batch": self._batch}):
            await self._delete(_DELETE_DATA, ids)
            yield len(ids)

    async def delete_changes(self, keep: int) -> AsyncIterator[int]:
        """Delete the oldest changes until *keep* are left; yields numbers of changes."""
        newest = await self._ids(_SURPLUS, {"count": keep})
        if not newest:
            return
        values = {"newest": newest[0], "batch": self._batch}
        while ids := await self._ids(_OLD_CHANGES, values):
            await self._delete(_DELETE_CHANGES, ids)
            yield len(ids)

    async def _window(self, before: float, after: int, last: int) -> _Window:
        return await self._database.read(
            lambda connection: _builds(connection, before, after, last)
        )

    async def _logs_of(
        self, build_ids: Sequence[BuildId], master_id: MasterId
    ) -> list[tuple[LogId, int]]:
        values = {"ids": ids_as_json(build_ids), "master": master_id}
        return await self._database.read(
            lambda connection: [
                (LogId(row[0]), row[1]) for row in connection.execute(_LOGS, values)
            ]
        )

    async def _ids(self, query: Select[tuple[Any]], values: Mapping[str, object]) -> list[int]:
        return await self._database.read(
            lambda connection: [row[0] for row in connection.execute(query, values)]
        )

    async def _delete(self, statement: Delete, ids: Sequence[int]) -> None:
        values = {"ids": ids_as_json(ids)}

        def use_case(transaction: Transaction) -> None:
            transaction.connection.execute(statement, values)

        await _paced(self._database.write(use_case))


async def _paced(work: Awaitable[None]) -> None:
    """Do the work, then pause so that it takes a bounded share of the writer's time."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    await work
    await asyncio.sleep(min(_SHARE * (loop.time() - began), _LONGEST_PAUSE))


def _last_build(connection: Connection, before: float) -> int:
    return connection.execute(_LAST, {"before": before}).scalar() or 0


def _builds(connection: Connection, before: float, after: int, last: int) -> _Window:
    values = {"before": before, "after": after, "last": last}
    rows = connection.execute(_BUILDS, values).all()
    gapless = [row[0] for row in takewhile(lambda row: row[1], rows)]
    return _Window(
        last=rows[-1][0] if rows else None,
        old=tuple(row[0] for row in rows if row[1]),
        all_old_to=gapless[-1] if gapless else None,
    )
