"""The heartbeat: masters of one database show each other that they live."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from chargehand.app.recovering import recover
from chargehand.domain.identifiers import MasterId
from chargehand.domain.ownership import NoLongerOurs
from chargehand.execution.recovery import Cause
from chargehand.execution.silence import SilentMasters
from chargehand.kit.clock import Clock
from chargehand.store.masters import Masters

_log = logging.getLogger("chargehand.master")


class Heartbeat:
    """Shows that this master lives, and takes over what silent ones left behind.

    When this master was declared stopped, *begin_again* starts a new epoch, and *register* records
    what runs here; if that fails, the next heartbeat resumes it.
    """

    def __init__(
        self,
        *,
        masters: Masters,
        master_id: MasterId,
        clock: Clock,
        every: float,
        dead_after: float,
        begin_again: Callable[[], Awaitable[None]],
        register: Callable[[], Awaitable[None]],
    ) -> None:
        self._masters = masters
        self._master_id = master_id
        self._clock = clock
        self._silent = SilentMasters(heartbeat=every, dead_after=dead_after)
        self._begin_again = begin_again
        self._register = register
        self._is_to_register = False

    async def beat(self) -> None:
        """Show life, and look at the others."""
        await self._show_life()
        signs = await self._masters.signs_of_life()
        signs.pop(self._master_id, None)
        silent = self._silent.look(
            signs, elapsed=asyncio.get_running_loop().time(), now=self._clock.timestamp()
        )
        if silent:
            for expired in await self._masters.expire(silent):
                _log.warning("master %s is not responding; retrying its builds", expired)
        for stopped in await self._masters.with_leftovers():
            await recover(self._masters, stopped, Cause.SILENT)

    async def _show_life(self) -> None:
        try:
            await self._masters.touch(self._master_id)
        except NoLongerOurs:
            self._is_to_register = True
            _log.error(
                "another master declared this one stopped, because it had not reported for too "
                "long; its builds are returned to the queue, and it registers again"
            )
            await self._begin_again()
        if self._is_to_register:
            await self._register()
            self._is_to_register = False
