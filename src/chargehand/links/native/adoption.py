"""Adoption: collects output from agents that outlived their master, before recovery decides.

Agents outlive their master for a while. The next master lets them connect, ends their running
commands, and appends the missing output to the logs. Then the agents exit: new ones start with the
new master's environment, version and configuration. (Once builds can be resumed, their sessions
will be kept here.)
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from typing import Protocol

from chargehand.domain.build import Segment
from chargehand.domain.command import CommandUpdate, Output
from chargehand.domain.identifiers import CommandId, LogId, StepId
from chargehand.domain.session import CommandRefused, Receipt, WorkerLost
from chargehand.execution.rules import slug_of
from chargehand.kit.limits import time_limit
from chargehand.kit.tasks import Tasks
from chargehand.links.native.local_listener import LocalListener
from chargehand.links.native.readable_info import readable_info
from chargehand.links.native.session import NativeSession
from chargehand_wire.messages import Hello, Kept

_log = logging.getLogger(__name__)

_CONNECTING_SECONDS = 10.0
"""Seconds that a live agent may take to connect."""
_ENDING_SECONDS = 30.0
"""Seconds that its commands may take to end and deliver their output."""
_EXIT_SECONDS = 5.0
_REASON = "the master restarted"


class KeptLogs(Protocol):
    """Stores the output. (Implemented by ``store``.)"""

    async def resume(
        self, step_id: StepId, name: str, slug: str, command_id: CommandId
    ) -> tuple[LogId, int] | None:
        """Return the log for a command's output, and the number of its last stored update; None
        if its step has ended."""

    def append(self, log_id: LogId, segment: Segment) -> Awaitable[None]:
        """Append a segment; the returned future is done when it is durable."""

    async def finish(self, log_id: LogId) -> object:
        """Finish the log."""


class Adoption:
    """Takes over, once, the agents left by an earlier master of this directory."""

    def __init__(
        self,
        *,
        reception: LocalListener,
        logs: KeptLogs,
        connecting_seconds: float = _CONNECTING_SECONDS,
        ending_seconds: float = _ENDING_SECONDS,
    ) -> None:
        self._reception = reception
        self._logs = logs
        self._connecting_seconds = connecting_seconds
        self._ending_seconds = ending_seconds
        self._tasks = Tasks("adoption")

    async def run(self) -> None:
        """Take over, and return when no agent of an earlier master is alive."""
        places = self._reception.places
        names = await asyncio.to_thread(places.living)
        if not names:
            return
        _log.info(
            "taking over from workers that outlived the previous master: %s", ", ".join(names)
        )
        await self._reception.open()
        work = [self._tasks.spawn(self._take_over(name), name=name) for name in names]
        await asyncio.wait(work)

    async def _take_over(self, name: str) -> None:
        survivor = _RunningAgent(name, self._logs)
        self._reception.expect(name, survivor.arrived)
        try:
            async with time_limit(self._connecting_seconds):
                session = await survivor.session
            async with time_limit(self._ending_seconds):
                await survivor.drain(session)
        except (TimeoutError, WorkerLost) as error:
            _log.warning("cannot take over worker %s: %r; killing it", name, error)
        finally:
            survivor.let_go()
            self._reception.forget(name)
            await self._see_the_end(name)

    async def _see_the_end(self, name: str) -> None:
        places = self._reception.places
        if not await asyncio.to_thread(places.ends_within, name, _EXIT_SECONDS):
            await asyncio.to_thread(places.kill, name)


class _RunningAgent:
    """One agent that outlived its master."""

    def __init__(self, name: str, logs: KeptLogs) -> None:
        self._name = name
        self._logs = logs
        self._commands: tuple[Kept, ...] = ()
        self.session: asyncio.Future[NativeSession] = asyncio.get_running_loop().create_future()

    def arrived(self, hello: Hello) -> NativeSession | None:
        """Return the session, the same for each connection."""
        if self.session.done():
            session = self.session.result()
            return session if session.incarnation == hello.incarnation else None
        session = NativeSession(
            worker_name=self._name,
            incarnation=hello.incarnation,
            info=readable_info(hello),
            patience=_CONNECTING_SECONDS,
            changed=lambda: None,
        )
        for kept in hello.commands:
            session.adopt(kept)
        self._commands = hello.commands
        self.session.set_result(session)
        return session

    async def drain(self, session: NativeSession) -> None:
        """End all commands, and store their output. Raises WorkerLost."""
        await asyncio.gather(*(self._drain(session, kept) for kept in self._commands))

    async def _drain(self, session: NativeSession, kept: Kept) -> None:
        output = _KeptOutput(kept, self._logs)
        try:
            await session.finish(CommandId(kept.command_id), output.receive, _REASON)
        except CommandRefused as error:
            _log.info("command %s of worker %s: %s", kept.command_id, self._name, error)
        finally:
            await output.finish()

    def let_go(self) -> None:
        """Tell the agent to exit."""
        if self.session.done() and not self.session.cancelled():
            self.session.result().lose(_REASON)


class _KeptOutput:
    """Appends a command's output to its step's logs, except what they already have."""

    def __init__(self, kept: Kept, logs: KeptLogs) -> None:
        self._kept = kept
        self._logs = logs
        self._places: dict[str, tuple[LogId, int] | None] = {}
        self._turn = asyncio.Lock()
        self._taking: list[asyncio.Future[None]] = []

    def receive(self, update: CommandUpdate) -> Receipt | None:
        """Process an update; ignores values, which have no receiver."""
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
        step_id, command_id = StepId(origin.step_id), CommandId(self._kept.command_id)
        return await self._logs.resume(step_id, name, slug_of(name), command_id)
