"""The process of an agent started by this master."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import logging
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec

from chargehand.kit.limits import time_limit
from chargehand.kit.tasks import Tasks
from chargehand.links.native.agent_places import AgentPlaces
from chargehand.links.native.stray_processes import WORKER_MARKER, kill_stray_processes

_log = logging.getLogger(__name__)

_EXIT_TIME = 5.0
_LOG_CHUNK = 65536


class AgentOrder(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of an agent, for each of its starts."""

    worker_name: str
    basedir: Path
    places: AgentPlaces
    environment: Mapping[str, str]
    """What its commands get."""
    patience: float
    """Seconds that it keeps running without a master."""
    for_the_agent: Mapping[str, str] = msgspec.field(default_factory=dict)
    """What the agent needs besides its environment, in order to run."""

    @property
    def marker(self) -> str:
        """The environment variable that marks its processes, including commands."""
        return f"{self.basedir}:{self.worker_name}"

    def clear_up(self) -> None:
        """Create its directory, and kill stray processes of an earlier agent."""
        self.basedir.mkdir(parents=True, exist_ok=True)
        kill_stray_processes(WORKER_MARKER, self.marker)

    def kill_what_is_left(self) -> None:
        """Kill the processes that outlived the guard, and wait for the agent's end.

        An agent that is ending by itself has no environment any more that would show whose it is,
        but it still holds the lock that the next one needs.
        """
        kill_stray_processes(WORKER_MARKER, self.marker)
        self.places.ends_within(self.worker_name, _EXIT_TIME)

    async def start(self, tasks: Tasks) -> AgentProcess:
        """Start the agent; *tasks* own the task that reads its log. Raises OSError."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", _agent_program(), "local"),
            *("--door", str(self.places.door), "--lock", str(self.places.lock(self.worker_name))),
            *("--name", self.worker_name, "--basedir", str(self.basedir)),
            *("--patience", str(self.patience)),
            *(f"--keep-from-commands={name}" for name in self._only_for_the_agent()),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            env={**self.for_the_agent, **self.environment, WORKER_MARKER: self.marker},
            start_new_session=True,
        )
        return AgentProcess(self, process, tasks)

    def _only_for_the_agent(self) -> list[str]:
        return [name for name in self.for_the_agent if name not in self.environment]


class AgentProcess:
    """The guard process of an agent; exits after the agent and all its processes."""

    def __init__(
        self, order: AgentOrder, process: asyncio.subprocess.Process, tasks: Tasks
    ) -> None:
        self._order = order
        self._process = process
        self._ended = tasks.spawn(process.wait(), name="end")
        self._reading = tasks.spawn(self._pass_on_log(), name="log")

    @property
    def ended(self) -> asyncio.Future[int]:
        """Done when the process has ended."""
        return self._ended

    def wake(self) -> None:
        """Resume it and its agent, in case they were stopped (SIGSTOP)."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGCONT)

    async def end(self) -> None:
        """Terminate it and wait for the end of all its processes; kill it if it hangs."""
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        self.wake()
        try:
            async with time_limit(_EXIT_TIME):
                await self._process.wait()
        except TimeoutError:
            _log.error("worker %s does not exit; killing it", self._order.worker_name)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            await self._process.wait()
        if self._process.returncode != 0:  # It may have had no time to clear up.
            await asyncio.to_thread(self._order.kill_what_is_left)
        await asyncio.wait([self._reading], timeout=_EXIT_TIME)

    async def _pass_on_log(self) -> None:
        log = self._process.stderr
        assert log is not None
        while chunk := await log.read(_LOG_CHUNK):
            text = chunk.decode(errors="replace").rstrip()
            _log.warning("worker %s: %s", self._order.worker_name, text)


def _agent_program() -> str:
    found = importlib.util.find_spec("chargehand_worker.__main__")
    if found is None or found.origin is None:
        raise FileNotFoundError("the package chargehand_worker is not installed")
    return found.origin
