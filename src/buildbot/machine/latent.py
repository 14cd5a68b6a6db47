"""Machines that are woken for builds of their workers, and put to sleep after the last one."""

from __future__ import annotations

import asyncio
import logging
from enum import Enum
from typing import Any

import msgspec

from buildbot._border.bridge import answered_within
from buildbot._border.numbers import ANY_SECONDS, SECONDS, check_constant
from buildbot.interfaces import (
    ILatentMachine,
    LatentWorkerFailedToSubstantiate,
    implementer,
)
from buildbot.machine.base import Machine
from chargehand.kit.guard import guarded
from chargehand.kit.tasks import Tasks

_log = logging.getLogger(__name__)

_STOP_SECONDS = 600.0
_PAUSES = (5.0, 15.0, 45.0)
"""Seconds before putting a machine to sleep is retried."""


class States(Enum):
    """What a machine is doing."""

    STOPPED = 0
    STARTING = 1
    STARTED = 2
    STOPPING = 3


class _Occupancy(msgspec.Struct, eq=False):
    """What is known of a machine's name, whatever object is in charge of it."""

    users: set[str] = msgspec.field(default_factory=set)
    """Workers that need it."""
    state: States = States.STOPPED
    turn: asyncio.Lock = msgspec.field(default_factory=asyncio.Lock)
    """Held while it is woken or put to sleep."""
    falling_asleep: asyncio.Task[None] | None = None
    tasks: Tasks = msgspec.field(default_factory=lambda: Tasks("machine"))


@implementer(ILatentMachine)
class AbstractLatentMachine(Machine):
    """A machine on which latent workers run; subclasses override `start_machine` and
    `stop_machine`.

    It is woken before the first of its workers is started, and put to sleep after the last one was
    stopped. That it is awake is recorded: what a killed master has left awake is put to sleep.

    Args:
        build_wait_timeout (float, seconds): How long it stays awake without workers; a negative
            number: until the master stops.
        missing_timeout (float, seconds): How long waking it may take.
    """

    def checkConfig(
        self,
        name: str,
        build_wait_timeout: float = 0,
        missing_timeout: float = 20 * 60,
        **kwargs: Any,
    ) -> Any:
        """Check the arguments, and keep them."""
        check_constant(f'machine "{name}"', "build_wait_timeout", build_wait_timeout, ANY_SECONDS)
        check_constant(f'machine "{name}"', "missing_timeout", missing_timeout, SECONDS)
        self.build_wait_timeout = build_wait_timeout
        self.missing_timeout = missing_timeout
        self._is_closing = False
        self._failure = ""
        """Why its last wake has failed, if its actions know that."""
        return super().checkConfig(name, **kwargs)

    def start_machine(self) -> Any:
        """Wake it, and return whether that has succeeded; plain, ``async``, or with a Deferred."""
        raise NotImplementedError(f"{type(self).__name__} has no method start_machine")

    def stop_machine(self) -> Any:
        """Put it to sleep."""
        raise NotImplementedError(f"{type(self).__name__} has no method stop_machine")

    @property
    def state(self) -> States:
        """What it is doing."""
        return self._occupancy.state

    @property
    def _occupancy(self) -> _Occupancy:
        occupancy: _Occupancy = self.master.machines.setdefault(self.name, (None, _Occupancy()))[1]
        return occupancy

    async def startService(self) -> None:
        """Take charge of the machine; put it to sleep if it was left awake and nothing needs it."""
        occupancy = self._occupancy
        self.master.machines[self.name] = (self, occupancy)
        await super().startService()
        if await self._was_awake() and occupancy.state is States.STOPPED:
            occupancy.state = States.STARTED
            if not occupancy.users:
                _log.warning("machine %s was left awake by a killed master", self.name)
                self._sleep_later()

    async def stopService(self) -> None:
        """Put it to sleep unless a worker still needs it."""
        self._is_closing = True
        await super().stopService()
        if not self._occupancy.users:
            await self._sleep()

    async def wake(self, worker_name: str) -> None:
        """Wake it for a worker. Raises LatentWorkerFailedToSubstantiate."""
        occupancy = self._occupancy
        occupancy.users.add(worker_name)
        async with occupancy.turn:
            if occupancy.state is States.STARTED:
                return
            occupancy.state = States.STARTING
            await self._record(is_awake=True)
            _log.info("waking machine %s for worker %s", self.name, worker_name)
            self._failure = ""
            with guarded(_log, "cannot wake machine %s", self.name) as attempt:
                seconds = self.missing_timeout
                answer = await answered_within(seconds, "start_machine", self.start_machine)
                if answer is not False:
                    occupancy.state = States.STARTED
                    return
        words = self._failure if attempt.failure is None else str(attempt.failure)
        why = f": {words}" if words else ""
        raise LatentWorkerFailedToSubstantiate(f'machine "{self.name}" could not be woken{why}')

    async def leave(self, worker_name: str) -> None:
        """Note that a worker does not need it any more; put it to sleep after the last one."""
        occupancy = self._occupancy
        occupancy.users.discard(worker_name)
        if occupancy.users or occupancy.state is States.STOPPED:
            return
        if self._is_closing or self.build_wait_timeout == 0:
            await self._sleep()
        elif self.build_wait_timeout > 0:
            self._sleep_later()

    def _sleep_later(self) -> None:
        occupancy = self._occupancy
        if occupancy.falling_asleep is not None:
            occupancy.falling_asleep.cancel()
        occupancy.falling_asleep = occupancy.tasks.spawn(self._wait_and_sleep(), name="fall asleep")

    async def _wait_and_sleep(self) -> None:
        await asyncio.sleep(max(self.build_wait_timeout, 0))
        await self._sleep()

    async def _sleep(self) -> None:
        occupancy = self._occupancy
        async with occupancy.turn:
            if occupancy.users or occupancy.state is States.STOPPED:
                return
            occupancy.state = States.STOPPING
            _log.info("putting machine %s to sleep", self.name)
            for pause in (*_PAUSES, None):
                with guarded(_log, "cannot put machine %s to sleep", self.name) as attempt:
                    await answered_within(_STOP_SECONDS, "stop_machine", self.stop_machine)
                if attempt.failure is None:
                    await self._record(is_awake=False)
                    break
                if pause is None or self._is_closing:
                    _log.error("machine %s may still be awake", self.name)
                    break
                await asyncio.sleep(pause)
            occupancy.state = States.STOPPED

    async def _was_awake(self) -> bool:
        store = self.master.access.engine.state
        return bool(await store.get(self.name, "machine", "awake", False))

    async def _record(self, *, is_awake: bool) -> None:
        await self.master.access.engine.state.set(self.name, "machine", "awake", is_awake)
