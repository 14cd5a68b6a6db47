"""Stopping a master in this process within a time limit, whatever users' code does."""

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
"""The longest a stop may take, whatever users' code does; it usually takes under a second."""


class Stopping:
    """Stops a master once; `hurry` abandons what has not stopped."""

    def __init__(self, master: Master) -> None:
        self._master = master
        self._limit = TimeLimit(STOP_SECONDS)

    def hurry(self) -> None:
        """Leave at once if the master is already stopping."""
        self._limit.expire_in(0.0)

    async def run(self) -> None:
        """Stop the master, and return when it has stopped or the time limit has passed."""
        try:
            async with self._limit:
                await self._master.stop()
        except TimeoutError:
            _log.error(
                "the master did not stop cleanly; exiting anyway with these tasks unfinished: %s",
                ", ".join(sorted(task.get_name() for task in asyncio.all_tasks())),
            )


def leave(status: int) -> int:
    """Return the exit status; if threads of users' code are stuck, exit the process here."""
    if stuck := stuck_threads():
        _log.warning("abandoning stuck threads: %s", ", ".join(stuck))
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    return status
