"""Deletes what the configuration says is not to be kept."""

from __future__ import annotations

import asyncio
import logging

from chargehand.config.model import MasterConfig
from chargehand.kit.tasks import Tasks
from chargehand.store.errors import StoreError
from chargehand.store.store import Store

_log = logging.getLogger(__name__)

_EVERY = 3600.0
"""Seconds between two looks at the number of changes."""


class Housekeeping:
    """Keeps the number of changes near ``c['changeHorizon']``, when there is one."""

    def __init__(self, *, store: Store) -> None:
        self._store = store
        self._tasks = Tasks("housekeeping")
        self._keep: int | None = None

    async def reconfigure(self, config: MasterConfig) -> None:
        """Keep as many changes as *config* says."""
        if config.change_horizon == self._keep:
            return
        await self._tasks.close()
        self._keep = keep = config.change_horizon
        if keep is not None:
            self._tasks.spawn(self._limit_changes(keep), name="delete old changes")

    async def stop(self) -> None:
        """Stop deleting."""
        await self._tasks.close()

    async def _limit_changes(self, keep: int) -> None:
        while True:
            try:
                deleted = sum(
                    [number async for number in self._store.retention.delete_changes(keep)]
                )
            except StoreError as error:
                _log.warning("cannot delete old changes: %s; retrying in an hour", error)
            else:
                if deleted:
                    _log.info("deleted %d old changes (changeHorizon is %d)", deleted, keep)
            await asyncio.sleep(_EVERY)
