"""Stopping a master that runs in this process, within a time, whatever users' code does."""

from __future__ import annotations

import asyncio
import logging
import os
import sys

from chargehand.app.master import Master
from chargehand.kit.limits import TimeLimit
from chargehand.kit.loop import stuck_threads

_log = logging.getLogger("chargehand.master")

STOP_SECONDS = 70.0
"""How long a stop may take, whatever users' code does; usually it takes less than a second."""


class Stopping:
    """Stops a master once; `hurry` is for who does not want to wait for it."""

    def __init__(self, master: Master) -> None:
        self._master = master
        self._limit = TimeLimit(STOP_SECONDS)

    def hurry(self) -> None:
        """Leave at once if it is stopping already."""
        self._limit.expire_in(0.0)

    async def run(self) -> None:
        """Stop the master, and return when it has stopped or when the time is over."""
        try:
            async with self._limit:
                await self._master.stop()
        except TimeoutError:
            _log.error(
                "the master has not stopped in good order; leaving anyway, with these tasks: %s",
                ", ".join(sorted(task.get_name() for task in asyncio.all_tasks())),
            )


def leave(status: int) -> int:
    """Return the exit status; where threads of users' code never end, end the process here."""
    if stuck := stuck_threads():
        _log.warning("threads that do not end are abandoned: %s", ", ".join(stuck))
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    return status
