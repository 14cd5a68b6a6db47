"""Adoption: collects output from agents that outlived their master, before recovery decides.

Agents outlive their master for a while. The next master lets them connect, ends their running
commands, and appends the missing output to the logs. Then the agents exit: new ones start with the
new master's environment, version and configuration. Workers on other machines come when they can:
what they kept goes to the logs after that decision (`late_logs`).
"""

from __future__ import annotations

import asyncio
import logging

from chargehand.domain.session import WorkerLost
from chargehand.kit.limits import time_limit
from chargehand.kit.tasks import Tasks
from chargehand.links.native.kept_commands import SILENT_SECONDS, KeptCommands, KeptLogs
from chargehand.links.native.local_listener import LocalListener
from chargehand.links.native.readable_info import readable_info
from chargehand.links.native.session import NativeSession
from chargehand_wire.messages import Hello

_log = logging.getLogger(__name__)

_CONNECTING_SECONDS = 10.0
"""Seconds that a live agent may take to connect."""
_EXIT_SECONDS = 5.0
_REASON = "the master restarted"


class Adoption:
    """Takes over, once, the agents left by an earlier master of this directory."""

    def __init__(
        self,
        *,
        reception: LocalListener,
        logs: KeptLogs,
        connecting_seconds: float = _CONNECTING_SECONDS,
        silent_seconds: float = SILENT_SECONDS,
    ) -> None:
        self._reception = reception
        self._logs = logs
        self._connecting_seconds = connecting_seconds
        self._silent_seconds = silent_seconds
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
                await survivor.session
            if survivor.commands is not None:
                await survivor.commands.drain(self._silent_seconds)
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
        self.commands: KeptCommands | None = None
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
        self.commands = KeptCommands(session, hello.commands, self._logs)
        self.session.set_result(session)
        return session

    def let_go(self) -> None:
        """Tell the agent to exit."""
        if self.session.done() and not self.session.cancelled():
            self.session.result().lose(_REASON)
