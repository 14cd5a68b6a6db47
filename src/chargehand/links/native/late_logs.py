"""Logs of builds that were interrupted, for what a worker on another machine kept of them.

Nobody knows when it comes, so that the next master decides about the builds without it.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Protocol

from chargehand.domain.build import Segment
from chargehand.domain.command import Origin
from chargehand.domain.identifiers import CommandId, LogId, MasterId


class EndedLogs(Protocol):
    """Stores logs. (Implemented by ``store``.)"""

    async def reopen(
        self,
        origin: Origin,
        name: str,
        command_id: CommandId,
        *,
        worker_name: str,
        master_id: MasterId,
    ) -> tuple[LogId, int] | None:
        """Return the log of a command of an interrupted build, and the number of its last stored
        update; None unless the build ran on this worker for this master."""

    def append(self, log_id: LogId, segment: Segment) -> Awaitable[None]:
        """Append a segment; the returned future is done when it is durable."""

    async def finish(self, log_id: LogId) -> object:
        """Finish the log."""


class LateLogs:
    """The logs of one worker's interrupted builds. (``kept_commands.KeptLogs``)"""

    def __init__(self, *, logs: EndedLogs, worker_name: str, master_id: MasterId) -> None:
        self._logs = logs
        self._worker_name = worker_name
        self._master_id = master_id

    async def resume(
        self, origin: Origin, name: str, _slug: str, command_id: CommandId
    ) -> tuple[LogId, int] | None:
        """Return the log for a command's output, and the number of its last stored update."""
        return await self._logs.reopen(
            origin, name, command_id, worker_name=self._worker_name, master_id=self._master_id
        )

    def append(self, log_id: LogId, segment: Segment) -> Awaitable[None]:
        """Append a segment; the returned future is done when it is durable."""
        return self._logs.append(log_id, segment)

    async def finish(self, log_id: LogId) -> object:
        """Finish the log."""
        return await self._logs.finish(log_id)
