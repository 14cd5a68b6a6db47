"""Commands that an earlier master started: ended, while what they wrote goes to their logs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from chargehand.domain.build import Segment
from chargehand.domain.command import CommandUpdate, Origin, Output
from chargehand.domain.identifiers import BuildId, CommandId, LogId, StepId
from chargehand.domain.session import CommandRefused, Receipt
from chargehand.execution.rules import slug_of
from chargehand.kit.guard import guarded
from chargehand.kit.limits import TimeLimit
from chargehand.links.native.session import NativeSession
from chargehand_wire.messages import Kept

_log = logging.getLogger(__name__)

SILENT_SECONDS = 30.0
"""Seconds within which something has to come of commands that are to end."""
_REASON = "the master restarted"


class KeptLogs(Protocol):
    """Stores the output. (Implemented with ``store``.)"""

    async def resume(
        self, origin: Origin, name: str, slug: str, command_id: CommandId
    ) -> tuple[LogId, int] | None:
        """Return the log for a command's output, and the number of its last stored update; None
        if nobody wants the output."""

    def append(self, log_id: LogId, segment: Segment) -> Awaitable[None]:
        """Append a segment; the returned future is done when it is durable."""

    async def finish(self, log_id: LogId) -> object:
        """Finish the log."""


class KeptCommands:
    """The commands of an earlier master that a worker has, or had and kept the output of."""

    def __init__(self, session: NativeSession, commands: Sequence[Kept], logs: KeptLogs) -> None:
        """Take them over; call before the worker is welcomed."""
        self._session = session
        self._commands = commands
        self._logs = logs
        for kept in commands:
            session.adopt(kept)

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._commands)

    async def drain(self, silent_seconds: float = SILENT_SECONDS) -> None:
        """End all commands, and store their output.

        Raises TimeoutError when nothing comes for so many seconds, and WorkerLost.
        """
        async with TimeLimit(silent_seconds) as limit:

            def heard() -> None:
                limit.expire_in(silent_seconds)

            outputs = (_KeptOutput(kept, self._logs, heard) for kept in self._commands)
            await asyncio.gather(*map(self._drain, outputs))

    async def _drain(self, output: _KeptOutput) -> None:
        command_id = output.command_id
        try:
            await self._session.finish(command_id, output.receive, _REASON)
        except CommandRefused as error:
            _log.info("command %s of worker %s: %s", command_id, self._session.worker_name, error)
        finally:
            with guarded(_log, "cannot store what command %s wrote", command_id):
                await output.finish()


class _KeptOutput:
    """Appends a command's output to its step's logs, except what they already have."""

    def __init__(self, kept: Kept, logs: KeptLogs, heard: Callable[[], None]) -> None:
        self.command_id = CommandId(kept.command_id)
        self._heard = heard
        self._kept = kept
        self._logs = logs
        self._places: dict[str, tuple[LogId, int] | None] = {}
        self._turn = asyncio.Lock()
        self._taking: list[asyncio.Future[None]] = []

    def receive(self, update: CommandUpdate) -> Receipt | None:
        """Process an update; ignores values, which have no receiver."""
        self._heard()
        if not isinstance(update, Output) or update.segment.source is None:
            return None
        taking = asyncio.ensure_future(self._take(update, update.segment.source.number))
        self._taking.append(taking)
        return taking

    async def _take(self, update: Output, number: int) -> None:
        async with self._turn:
            await self._append(update, number)

    async def _append(self, update: Output, number: int) -> None:
        if update.log not in self._places:
            self._places[update.log] = await self._place(update.log)
        place = self._places[update.log]
        if place is not None and number > place[1]:
            await self._logs.append(place[0], update.segment)

    async def finish(self) -> None:
        """Finish the logs. Raises the error of a failed append."""
        await asyncio.gather(*self._taking)
        for place in self._places.values():
            if place is not None:
                await self._logs.finish(place[0])

    async def _place(self, stream: str) -> tuple[LogId, int] | None:
        origin = self._kept.origin
        name = self._kept.routes.get(stream, "")
        if origin is None or not name:
            return None
        of = Origin(build_id=BuildId(origin.build_id), step_id=StepId(origin.step_id))
        return await self._logs.resume(of, name, slug_of(name), self.command_id)
