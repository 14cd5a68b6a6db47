"""Deletes what the configuration says is not to be kept."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from chargehand.config.model import MasterConfig
from chargehand.kit.clock import Clock
from chargehand.kit.tasks import Tasks
from chargehand.store.audit import BATCH
from chargehand.store.errors import StoreError
from chargehand.store.store import Store

_log = logging.getLogger(__name__)

_EVERY = 3600.0
"""Seconds between two looks at what is old."""
_DAY = 24 * 3600.0
_PAUSE = 0.1
"""Seconds between two deletions, in which builds use the database."""


class Housekeeping:
    """Keeps the number of changes near ``c['changeHorizon']``, when there is one, and what people
    did for ``c['auditDays']``."""

    def __init__(self, *, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._tasks = Tasks("housekeeping")
        self._kept: tuple[int | None, float | None] = (None, None)

    async def reconfigure(self, config: MasterConfig) -> None:
        """Keep as much as *config* says."""
        kept = (config.change_horizon, config.audit_days)
        if kept == self._kept:
            return
        await self._tasks.close()
        self._kept = kept
        count, days = kept
        if count is not None:
            self._every_hour(lambda: self._limit_changes(count), "delete old changes")
        if days is not None:
            self._every_hour(lambda: self._limit_audit(days), "delete old audit entries")

    async def stop(self) -> None:
        """Stop deleting."""
        await self._tasks.close()

    def _every_hour(self, delete: Callable[[], Awaitable[None]], name: str) -> None:
        self._tasks.spawn(self._repeat(delete, name), name=name)

    async def _repeat(self, delete: Callable[[], Awaitable[None]], name: str) -> None:
        while True:
            try:
                await delete()
            except StoreError as error:
                _log.warning("cannot %s: %s; retrying in an hour", name, error)
            await asyncio.sleep(_EVERY)

    async def _limit_changes(self, keep: int) -> None:
        deleted = sum([number async for number in self._store.retention.delete_changes(keep)])
        if deleted:
            _log.info("deleted %d old changes (changeHorizon is %d)", deleted, keep)

    async def _limit_audit(self, days: float) -> None:
        before = self._clock.timestamp() - days * _DAY
        deleted = count = await self._store.audit.delete_before(before)
        while count == BATCH:
            await asyncio.sleep(_PAUSE)
            count = await self._store.audit.delete_before(before)
            deleted += count
        if deleted:
            _log.info("deleted %d audit entries older than %g days", deleted, days)
