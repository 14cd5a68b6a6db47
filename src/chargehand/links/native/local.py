"""Local workers: agents that the master starts, and restarts when they die."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chargehand.config.model import WorkerConfig
from chargehand.domain.session import SessionState
from chargehand.fleet.ports import Registry
from chargehand.kit.error_text import headline_of, reason_of
from chargehand.kit.tasks import Tasks
from chargehand.links.native.agent_process import AgentOrder, AgentProcess
from chargehand.links.native.local_listener import LocalListener
from chargehand.links.native.readable_info import readable_info
from chargehand.links.native.session import NativeSession
from chargehand.links.native.worker_environment import FOR_THE_AGENT, worker_environment
from chargehand_wire.messages import Hello

_log = logging.getLogger(__name__)

_LONGEST_BACK_OFF = 30.0
_HEALTHY_AFTER = 60.0
"""Seconds of running after which an exit does not count as a failed start."""
_PING_EVERY = 30.0
_UNANSWERED_AT_MOST = 3
_GREETING_TIME = 60.0
"""Seconds that an agent may take to connect; others may have to wait for their turn."""
_STARTS_AT_ONCE = 2
"""More concurrent starts would only slow down each other and the master."""
_RECONNECT_TIMEOUT = 600.0


class LocalLinks:
    """Makes the links of a master's local workers; few of their agents start at the same time.

    *directory* is where the workers work that have no directory of their own, *environment* the
    master's own, of which they get what they need.
    """

    def __init__(
        self,
        *,
        reception: LocalListener,
        directory: Path,
        environment: Mapping[str, str] | None = None,
        greeting_time: float = _GREETING_TIME,
        ping_every: float = _PING_EVERY,
    ) -> None:
        self._reception = reception
        self._directory = directory
        self._environment = environment
        self._greeting_time = greeting_time
        self._ping_every = ping_every
        self._starting = asyncio.Semaphore(_STARTS_AT_ONCE)

    def __call__(self, config: WorkerConfig, registry: Registry) -> LocalLink:
        """Return the link of a worker."""
        workdir = config.settings.get("workdir")
        patience = config.settings.get("reconnect_timeout")
        basedir = self._directory / (str(workdir) if workdir else config.name)
        own = os.environ if self._environment is None else self._environment
        order = AgentOrder(
            worker_name=config.name,
            basedir=basedir.absolute(),
            places=self._reception.places,
            environment=worker_environment(own, config.settings),
            for_the_agent={name: own[name] for name in FOR_THE_AGENT if name in own},
            patience=patience if isinstance(patience, int | float) else _RECONNECT_TIMEOUT,
        )
        return LocalLink(
            order=order,
            reception=self._reception,
            registry=registry,
            starting=self._starting,
            greeting_time=self._greeting_time,
            ping_every=self._ping_every,
        )


class LocalLink:
    """Keeps one agent running, and registers its sessions."""

    def __init__(
        self,
        *,
        order: AgentOrder,
        reception: LocalListener,
        registry: Registry,
        starting: asyncio.Semaphore,
        greeting_time: float,
        ping_every: float,
    ) -> None:
        self._order = order
        self._name = order.worker_name
        self._reception = reception
        self._registry = registry
        self._starting = starting
        self._greeting_time = greeting_time
        self._ping_every = ping_every
        self._tasks = Tasks(f"local worker {self._name}")
        self._is_stopped = False
        self._ending: asyncio.Task[None] | None = None
        """The end of a life; it goes on when the link is stopped meanwhile."""

    async def start(self) -> None:
        """Begin; the registry gets a session when the worker connects."""
        self._tasks.spawn(self._keep_alive(), name="agent")

    async def stop(self) -> None:
        """End the agent and all its processes, and wait for their end."""
        self._is_stopped = True
        await self._tasks.close()
        if self._ending is not None:
            await asyncio.wait([self._ending])

    async def _keep_alive(self) -> None:
        loop = asyncio.get_running_loop()
        failures = 0
        while True:
            began = loop.time()
            try:
                await self._live_once()
            except OSError as error:
                _log.error("cannot start worker %s: %s", self._name, reason_of(error))
                self._registry.not_started(self._name, reason_of(error))
            except Exception as error:  # noqa: BLE001 - whatever it was, the worker shall come back
                _log.exception("worker %s failed", self._name)
                self._registry.not_started(self._name, headline_of(error))
            if self._is_stopped:  # The failure may have happened while ending cancelled work.
                return
            failures = 1 if loop.time() - began > _HEALTHY_AFTER else failures + 1
            delay = 0.0 if failures == 1 else min(2.0 ** (failures - 2), _LONGEST_BACK_OFF)
            _log.warning("worker %s exited; restarting it in %g s", self._name, delay)
            await asyncio.sleep(delay)

    async def _live_once(self) -> None:
        """Start the agent, and return after the end of all its processes."""
        life = _AgentRun(
            name=self._name, registry=self._registry, patience=max(self._order.patience, 0.0)
        )
        processes = Tasks(f"agent of {self._name}")
        agent: AgentProcess | None = None
        try:
            async with self._starting:
                await asyncio.to_thread(self._order.clear_up)
                await self._reception.open()
                self._reception.expect(self._name, life.arrived)
                agent = await self._order.start(processes)
                await life.begun(agent, self._greeting_time)
            await life.serve(agent, self._ping_every)
        finally:
            self._reception.forget(self._name)
            self._ending = asyncio.get_running_loop().create_task(_end(life, agent, processes))
            await asyncio.shield(self._ending)


async def _end(life: _AgentRun, agent: AgentProcess | None, processes: Tasks) -> None:
    try:
        await life.end()
    finally:
        if agent is not None:
            await agent.end()
        await processes.close()


class _AgentRun:
    """One run of an agent: from its Hello to the end of its session."""

    def __init__(self, *, name: str, registry: Registry, patience: float) -> None:
        self._name = name
        self._registry = registry
        self._patience = patience
        self._session: NativeSession | None = None
        self._is_attached = False
        self._greeted = asyncio.Event()
        self._lost = asyncio.Event()

    def arrived(self, hello: Hello) -> NativeSession | None:
        """Return the session of a connection, None if it is not this agent's."""
        session = self._session
        if session is None:
            session = self._session = NativeSession(
                worker_name=self._name,
                incarnation=hello.incarnation,
                info=readable_info(hello),
                patience=self._patience,
                changed=self._changed,
            )
            self._greeted.set()
        if session.incarnation != hello.incarnation or session.state is SessionState.LOST:
            return None
        return session

    async def begun(self, agent: AgentProcess, patience: float) -> None:
        """Wait until the agent has connected or ended. Raises TimeoutError."""
        if not await self._first_of(self._greeted, agent, patience):
            raise TimeoutError(f"it did not connect within {patience:g} seconds")

    async def serve(self, agent: AgentProcess, ping_every: float) -> None:
        """Attach the session, and wait for its end; give up on an unresponsive agent."""
        session = self._session
        if session is None:
            return
        self._is_attached = True
        await self._registry.attach(session)
        while not await self._first_of(self._lost, agent, ping_every):
            if session.unanswered >= _UNANSWERED_AT_MOST:
                _log.error("worker %s is not responding; restarting it", self._name)
                return
            if session.unanswered or session.state is SessionState.INTERRUPTED:
                agent.wake()
            session.ping()

    async def end(self) -> None:
        """Mark the session as lost, which fails its commands, then detach it from the registry."""
        if self._session is not None:
            self._session.lose(f"the connection to worker {self._name} was lost")
            if self._is_attached:
                await self._registry.detach(self._session, self._session.why_lost)

    def _changed(self) -> None:
        assert self._session is not None
        if self._session.state is SessionState.LOST:
            self._lost.set()
        elif self._session.state is SessionState.INTERRUPTED:
            _log.warning("worker %s lost its connection; its commands keep running", self._name)
        if self._is_attached:
            self._registry.changed(self._session)

    @staticmethod
    async def _first_of(event: asyncio.Event, agent: AgentProcess, patience: float) -> bool:
        """Wait for an event or the agent's end; return whether either happened in time."""
        waiting = asyncio.ensure_future(event.wait())
        both: list[asyncio.Future[Any]] = [waiting, agent.ended]
        try:
            done, _ = await asyncio.wait(
                both, timeout=patience, return_when=asyncio.FIRST_COMPLETED
            )
            return bool(done)
        finally:
            waiting.cancel()
