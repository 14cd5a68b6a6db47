"""A worker in this machine: an agent that the master starts, and starts again when it dies."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import logging
import os
import signal
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec

from chargehand.config.model import WorkerConfig
from chargehand.domain.worker import WorkerInfo
from chargehand.kit.limits import time_limit
from chargehand.kit.tasks import Tasks
from chargehand.links.leftovers import kill_leftovers
from chargehand.links.ports import Registry
from chargehand.links.session import WireSession
from chargehand_wire.framing import ProtocolError
from chargehand_wire.master_side import MasterSide
from chargehand_wire.messages import Hello

_log = logging.getLogger(__name__)

WORKER_MARKER = "CHARGEHAND_WORKER"
"""The variable in the environment of an agent and all its commands that says whose they are."""
_LONGEST_BACK_OFF = 30.0
_HEALTHY_AFTER = 60.0
"""Seconds after which a death is no longer blamed on the start."""
_PING_EVERY = 30.0
_UNANSWERED_AT_MOST = 3
_EXIT_TIME = 5.0
_GREETING_TIME = 60.0
"""Seconds that an agent may take to say hello; meanwhile others may have to wait for their turn."""
_STARTS_AT_ONCE = 2
"""More would only get into each other's way, and into that of the master."""
_LOG_CHUNK = 65536


class LocalLinks:
    """Makes the links of a master's local workers; few of their agents start at the same time.

    *directory* is where the workers work that have no directory of their own.
    """

    def __init__(self, *, registry: Registry, directory: Path) -> None:
        self._registry = registry
        self._directory = directory
        self._starting = asyncio.Semaphore(_STARTS_AT_ONCE)

    def __call__(self, config: WorkerConfig) -> LocalLink:
        """Return the link of a worker."""
        workdir = config.settings.get("workdir")
        basedir = self._directory / (str(workdir) if workdir else config.name)
        return LocalLink(
            name=config.name, basedir=basedir, registry=self._registry, starting=self._starting
        )


class LocalLink:
    """Keeps one agent alive, and tells the registry of each connection to it."""

    def __init__(
        self,
        *,
        name: str,
        basedir: Path,
        registry: Registry,
        starting: asyncio.Semaphore | None = None,
        environment: Mapping[str, str] | None = None,
        patience: float = _GREETING_TIME,
        ping_every: float = _PING_EVERY,
    ) -> None:
        self._name = name
        self._basedir = basedir.absolute()
        self._registry = registry
        self._starting = starting or asyncio.Semaphore()
        self._environment = os.environ if environment is None else environment
        self._patience = patience
        self._ping_every = ping_every
        self._marker = f"{self._basedir}:{name}"
        self._tasks = Tasks(f"local worker {name}")
        self._is_stopped = False

    async def start(self) -> None:
        """Begin; the registry hears of the worker when it is there."""
        self._tasks.spawn(self._keep_alive(), name="agent")

    async def stop(self) -> None:
        """End the agent and all that it runs; when this returns nothing of it is left."""
        self._is_stopped = True
        await self._tasks.close()

    async def _keep_alive(self) -> None:
        loop = asyncio.get_running_loop()
        failures = 0
        while True:
            began = loop.time()
            try:
                await self._live_once()
            except OSError as error:
                _log.error("worker %s could not be started: %s", self._name, error)
            except Exception:  # noqa: BLE001 - whatever it was, the worker shall come back
                _log.exception("worker %s failed", self._name)
            if self._is_stopped:  # The failure may have been one of ending what was cancelled.
                return
            failures = 1 if loop.time() - began > _HEALTHY_AFTER else failures + 1
            delay = 0.0 if failures == 1 else min(2.0 ** (failures - 2), _LONGEST_BACK_OFF)
            _log.warning("worker %s ended; starting it again in %g s", self._name, delay)
            await asyncio.sleep(delay)

    async def _live_once(self) -> None:
        """Start the agent, and return when it has ended and nothing is left of it."""
        ours, theirs = socket.socketpair()
        connection = _Connection(name=self._name, registry=self._registry)
        with ours, theirs:
            async with self._starting:
                await asyncio.to_thread(self._clear_up)
                agent = await self._start_agent(theirs)
                theirs.close()
                log = self._tasks.spawn(self._pass_on_log(agent), name="log")
                try:
                    await connection.open(ours)
                    await connection.greeted(self._patience)
                except BaseException:
                    await self._end(connection, agent)
                    raise
            try:
                await connection.serve(self._ping_every)
            finally:
                await self._end(connection, agent)
                await log

    def _clear_up(self) -> None:
        self._basedir.mkdir(parents=True, exist_ok=True)
        kill_leftovers(WORKER_MARKER, self._marker)

    async def _start_agent(self, theirs: socket.socket) -> asyncio.subprocess.Process:
        descriptor = theirs.fileno()
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", _agent_program(), "local"),
            *("--fd", str(descriptor), "--name", self._name, "--basedir", str(self._basedir)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            pass_fds=(descriptor,),
            env={**self._environment, WORKER_MARKER: self._marker},
            start_new_session=True,
        )

    async def _pass_on_log(self, agent: asyncio.subprocess.Process) -> None:
        assert agent.stderr is not None
        while chunk := await agent.stderr.read(_LOG_CHUNK):
            text = chunk.decode(errors="replace").rstrip()
            _log.warning("worker %s says: %s", self._name, text)

    async def _end(self, connection: _Connection, agent: asyncio.subprocess.Process) -> None:
        """The agent ends by itself when its socket is closed; one that hangs is killed."""
        connection.close()
        try:
            await connection.ended()
        finally:
            await self._await_exit(agent)

    async def _await_exit(self, agent: asyncio.subprocess.Process) -> None:
        try:
            async with time_limit(_EXIT_TIME):
                await agent.wait()
        except TimeoutError:
            _log.error("worker %s does not end; killing it", self._name)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(agent.pid, signal.SIGKILL)
            await agent.wait()
            await asyncio.to_thread(kill_leftovers, WORKER_MARKER, self._marker)


def _agent_program() -> str:
    found = importlib.util.find_spec("chargehand_worker.__main__")
    if found is None or found.origin is None:
        raise FileNotFoundError("the package chargehand_worker is not installed")
    return found.origin


class _Connection(asyncio.Protocol):
    """The socket to one agent, for as long as that lives."""

    def __init__(self, *, name: str, registry: Registry) -> None:
        self._name = name
        self._registry = registry
        self._side = MasterSide()
        self._transport: asyncio.Transport | None = None
        self._session: WireSession | None = None
        self._greeted: asyncio.Future[WireSession | None] = (
            asyncio.get_running_loop().create_future()
        )
        self._closed = asyncio.Event()
        self._is_attached = False
        self._unanswered = 0

    async def open(self, socket_: socket.socket) -> None:
        """Begin to talk."""
        await asyncio.get_running_loop().create_connection(lambda: self, sock=socket_)

    async def greeted(self, patience: float) -> None:
        """Wait until the agent has said hello, or is gone. Raises TimeoutError."""
        done, _ = await asyncio.wait([self._greeted], timeout=patience)
        if not done:
            raise TimeoutError(f"it did not say hello within {patience:g} seconds")

    async def serve(self, ping_every: float) -> None:
        """Attach the session, and wait for the end; an agent that goes silent is given up."""
        session = await self._greeted
        if session is not None:
            self._is_attached = True
            await self._registry.attach(session)
        closed = asyncio.ensure_future(self._closed.wait())
        try:
            while not (await asyncio.wait([closed], timeout=ping_every))[0]:
                self._ask_for_a_sign()
        finally:
            closed.cancel()

    def _ask_for_a_sign(self) -> None:
        """Nothing was heard for a while: ask, and after some questions without answer give up."""
        if self._unanswered >= _UNANSWERED_AT_MOST:
            _log.error("worker %s does not answer any more; it is started anew", self._name)
            self.close()
            return
        self._unanswered += 1
        self._side.ping(self._unanswered)
        self._write(self._side.take())

    def close(self) -> None:
        """Close the socket; calling it twice does no harm."""
        if self._transport is not None:
            self._transport.abort()
        else:
            self._closed.set()

    async def ended(self) -> None:
        """Wait until the socket is closed, and the registry knows."""
        await self._closed.wait()
        if self._session is not None and self._is_attached:
            await self._registry.detach(self._session)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the agent to say hello."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._side.connect()

    def data_received(self, data: bytes) -> None:
        """Hand on what the agent says."""
        self._unanswered = 0
        try:
            for event in self._side.receive(data):
                if isinstance(event, Hello):
                    self._greet(event)
                elif self._session is not None:
                    self._session.dispatch(event)
        except (ProtocolError, msgspec.ValidationError) as error:
            _log.error("worker %s does not speak our protocol: %s", self._name, error)
            self.close()
            return
        if reply := self._side.take():
            self._write(reply)

    def connection_lost(self, error: Exception | None) -> None:
        """The agent is gone: tell whoever waits for it."""
        if self._session is not None:
            # First of all: whoever hears that it is lost must not be given it again.
            self._registry.lost(self._session)
            self._session.end()
        if not self._greeted.done():
            self._greeted.set_result(None)
        self._closed.set()

    def _greet(self, hello: Hello) -> None:
        self._session = WireSession(
            worker_name=self._name,
            info=msgspec.convert(hello.info, WorkerInfo),
            side=self._side,
            send=self._write,
            close=self._close_and_wait,
        )
        self._greeted.set_result(self._session)

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    async def _close_and_wait(self) -> None:
        self.close()
        await self._closed.wait()
