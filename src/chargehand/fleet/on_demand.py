"""Workers whose machines are started for builds, and stopped some time after the last one."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import assert_never

import msgspec

from chargehand.config.model import HostedInstance, WorkerConfig
from chargehand.domain.command import Command
from chargehand.domain.instance import InstanceState
from chargehand.domain.properties import Property
from chargehand.domain.session import (
    Receive,
    Session,
    SessionState,
    StartsOnDemand,
    WorkerLost,
    WorkerNotStarted,
)
from chargehand.domain.worker import WorkerInfo
from chargehand.fleet.instance_rules import Action, Event, Instance, after
from chargehand.fleet.ports import Link
from chargehand.fleet.recorded_machine import RecordedMachine
from chargehand.fleet.remote import RemoteLink
from chargehand.fleet.sightings import Sightings
from chargehand.kit.complaints import Complaints
from chargehand.kit.error_text import headline_of
from chargehand.kit.guard import guarded
from chargehand.kit.tasks import Tasks

_log = logging.getLogger(__name__)

_CLOSING_PATIENCE = 10.0
"""Seconds within which a start must end before its machine is stopped for good."""
_HELD_UP = "its last start_instance, which was given up, has not ended yet"


class _Waiting(msgspec.Struct, frozen=True, eq=False):
    """A build that waits for the worker."""

    build: object
    session: asyncio.Future[Session]


class OnDemandLink:
    """Starts and stops the machine of one worker, as its builds need it.

    *machine* is what is started and stopped; *connect* makes a link that provides the session of
    the running machine; *refused* is told why a start failed, unless a build was at fault;
    *recovered* is called when a start has ended that had held up others;
    *refusal* returns when and why a login with the worker's name was refused lately.
    """

    def __init__(
        self,
        *,
        config: WorkerConfig,
        hosted: HostedInstance,
        machine: RecordedMachine,
        connect: Callable[[], Link],
        refused: Callable[[str], None],
        recovered: Callable[[], None],
        refusal: Callable[[], str] = str,
    ) -> None:
        self._name = config.name
        self.hosted = hosted
        """The user's object."""
        self._machine = machine
        self._connect = connect
        self._refused = refused
        self._recovered = recovered
        self._sightings = Sightings(refusal)
        self._instance = Instance()
        self._link: Link | None = None
        self._session: Session | None = None
        self._waiting: list[_Waiting] = []
        self._users = 0
        self._has_held_up = False
        """Whether a build was refused because a start had not ended."""
        self._idle: asyncio.TimerHandle | None = None
        self._arrived = asyncio.Event()
        self._starting: asyncio.Task[None] | None = None
        self._failure = WorkerNotStarted("it is being shut down")
        self._reason = ""
        """Why to stop the machine."""
        self.closing_reason = "the master is shutting down"
        """Why it is stopped for good."""
        self._stopped = asyncio.Event()
        self._complaints = Complaints(_log)
        self._tasks = Tasks(f"machine of worker {self._name}")

    @property
    def state(self) -> InstanceState:
        """What the machine is doing."""
        return self._instance.state

    @property
    def link(self) -> Link | None:
        """What provides the session of its machine, while that runs."""
        return self._link

    @property
    def instances(self) -> list[str]:
        """The names of the machines that it is in charge of."""
        return self._machine.names

    async def start(self) -> None:
        """Stop what was left, if there is something; its first build starts the machine."""
        if self._machine.is_left:
            self._instance = Instance(state=InstanceState.INSUBSTANTIATING)
            self.hosted.has_become(self.state.name)
            self._tasks.spawn(self._stop(), name="stop")

    async def stop(self) -> None:
        """Stop the machine for good, and wait for its end."""
        self._cancel_idle()
        self._machine.close()
        self._happens(Event.CLOSED, self.closing_reason)
        await self._give_up_starting()
        if self.state is not InstanceState.SHUT_DOWN:
            await self._stopped.wait()
        with guarded(_log, "error while stopping worker %s", self._name):
            await self.hosted.close()

    async def _give_up_starting(self) -> None:
        """Nobody waits long for a start whose machine is stopped right after it."""
        starting = self._starting
        if starting is None or self.state is not InstanceState.SUBSTANTIATING:
            return
        await asyncio.wait([starting], timeout=_CLOSING_PATIENCE)
        if not starting.done():
            starting.cancel()
            await asyncio.wait([starting])
            self._happens(Event.FAILED, self.closing_reason)

    # Its builds

    def take(self) -> OnDemandSession:
        """Reserve it for a build, and return the session."""
        self._cancel_idle()
        self._users += 1
        return OnDemandSession(self, self._name)

    def release(self) -> None:
        """A build has ended; after the last one the machine is stopped, now or later."""
        self._users -= 1
        if self._users:
            return
        seconds = self.hosted.build_wait_timeout
        if seconds == 0 or self.state is not InstanceState.SUBSTANTIATED:
            self._happens(Event.UNWANTED, "no build needs it")
        elif seconds > 0:
            loop = asyncio.get_running_loop()
            reason = f"it had no build for {seconds:g} s"
            self._idle = loop.call_later(seconds, self._happens, Event.UNWANTED, reason)

    @property
    def compatible(self) -> Callable[[Mapping[str, Property]], Awaitable[bool]] | None:
        """What tells whether a build can run beside those that use it; None: any can."""
        return self.hosted.is_compatible if self.hosted.may_be_incompatible else None

    async def ready(self, build: object) -> Session:
        """Wait for the session, for *build*, which has reserved it. Raises WorkerNotStarted."""
        if self._machine.is_held_up:  # Others may build it meanwhile.
            self._has_held_up = True
            self._refused(_HELD_UP)
            raise WorkerNotStarted(_HELD_UP)
        if self.state is InstanceState.SUBSTANTIATED and self.hosted.may_be_incompatible:
            properties = self.hosted.properties_of(build)
            if not await self.hosted.is_compatible(properties):
                if self._users > 1:
                    raise WorkerNotStarted("its running machine is not compatible with the build")
                self._happens(Event.UNWANTED, "it does not fit the next build")
        waiting = _Waiting(build, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        try:
            self._happens(Event.WANTED)
            return await waiting.session
        finally:
            self._waiting.remove(waiting)
            if self.state is InstanceState.INSUBSTANTIATING_SUBSTANTIATING and not self._waiting:
                self._happens(Event.UNWANTED)  # Its build is stopped; none is there to start for.

    @property
    def waits_for(self) -> str:
        """What keeps the machine from being ready, as far as that is known; else empty."""
        if self.state is InstanceState.INSUBSTANTIATING_SUBSTANTIATING:
            return "its former machine is being stopped"
        return self._sightings.words

    # Its session

    def attached(self, session: Session) -> bool:
        """Take the worker's session; False if the machine is not supposed to run."""
        if self._link is None:
            return False
        self._session = session
        self._arrived.set()
        self._happens(Event.CONNECTED)
        return True

    def lost(self) -> None:
        """The session is lost."""
        self._session = None
        self._arrived.clear()
        self._happens(Event.LOST, "its worker was lost")

    def not_started(self, reason: str) -> None:
        """The link could not start the worker's agent."""
        if self.state is InstanceState.SUBSTANTIATING_STARTING:
            self._fail(WorkerNotStarted(reason))

    # Its machine

    def _happens(self, event: Event, reason: str = "") -> None:
        before = self.state
        self._instance, actions = after(self._instance, event)
        self._reason = reason or self._reason
        if self.state is not before:
            self.hosted.has_become(self.state.name)
            if self.state is InstanceState.SUBSTANTIATED:
                self._machine.connected()
        for action in actions:
            self._do(action)
        if self.state is InstanceState.SHUT_DOWN:
            self._stopped.set()

    def _do(self, action: Action) -> None:
        match action:
            case Action.START:
                self._starting = self._tasks.spawn(self._start(), name="start")
            case Action.STOP:
                if self._starting is not None and self._starting is not asyncio.current_task():
                    self._starting.cancel()
                self._tasks.spawn(self._stop(), name="stop")
            case Action.SERVE:
                assert self._session is not None
                for waiting in self._waiting:
                    if not waiting.session.done():
                        waiting.session.set_result(self._session)
            case Action.REFUSE:
                self._refuse()
            case _:
                assert_never(action)

    def _refuse(self) -> None:
        """Only the build for which the machine was started can be at fault."""
        for number, waiting in enumerate(self._waiting):
            if not waiting.session.done():
                is_final = self._failure.is_final and number == 0
                reason = WorkerNotStarted(str(self._failure), is_final=is_final)
                waiting.session.set_exception(reason)

    def _fail(self, failure: WorkerNotStarted) -> None:
        self._failure = failure
        if not failure.is_final:
            self._refused(str(failure))
        self._happens(Event.FAILED, f"could not be started: {failure}")
        self._failure = WorkerNotStarted("it is being shut down")

    async def _start(self) -> None:
        seconds = self.hosted.missing_timeout
        failure: WorkerNotStarted | None = None
        with self._complaints.guarded("cannot start worker %s", self._name) as attempt:
            try:
                async with asyncio.timeout(seconds) as limit:
                    await self._started()
            except WorkerNotStarted as error:
                failure = error
            except TimeoutError:
                if not limit.expired():  # It is an error of the user's own.
                    raise
                is_starting = self.state is InstanceState.SUBSTANTIATING
                words = "start_instance did not return" if is_starting else "it did not connect"
                because = f": {self.waits_for}" if self.waits_for else ""
                failure = WorkerNotStarted(f"{words} within {seconds:g} s{because}")
        if attempt.failure is not None:
            failure = WorkerNotStarted(headline_of(attempt.failure))
        if failure is not None:
            _log.warning("worker %s could not be started: %s", self._name, failure)
            self._fail(failure)

    async def _started(self) -> None:
        """Start the machine, and wait for its worker. Raises WorkerNotStarted."""
        if not self._waiting:  # Its build was stopped in the same moment.
            self._happens(Event.FAILED, "no build needs it")
            return
        _log.info("starting worker %s", self._name)
        self._sightings.begin()
        build = self._waiting[0].build
        identity = await self._machine.start(build, self._expect, reason="a build needs it")
        if identity:
            _log.info("worker %s was started: %s", self._name, ", ".join(identity))
        self._happens(Event.STARTED)
        pause = self.hosted.first_check
        while not self._arrived.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._arrived.wait()
            if not self._arrived.is_set():
                await self._look()
            pause = min(2 * pause, self.hosted.check_every)

    async def _look(self) -> None:
        """Look at the machine. Raises WorkerNotStarted if its worker will not connect."""
        health = await self.hosted.health()
        self._sightings.see(health.words)
        if not health.is_well:
            raise WorkerNotStarted(self.waits_for)

    async def _expect(self) -> None:
        if self._link is None:
            self._link = self._connect()
            await self._link.start()

    async def _stop(self) -> None:
        _log.info("stopping worker %s", self._name)
        if isinstance(self._link, RemoteLink):
            self._link.close_door()  # A late worker must not seem to have arrived.
        await self._machine.stop(reason=self._reason)
        link, self._link = self._link, None
        if link is not None:
            with guarded(_log, "cannot end the connection of worker %s", self._name):
                await link.stop()
        self._session = None
        self._arrived.clear()
        self._happens(Event.STOPPED)
        if self._has_held_up:
            self._has_held_up = False
            self._recovered()

    def _cancel_idle(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None


class OnDemandSession(StartsOnDemand):
    """The session of one build with a worker that may have to be started first."""

    def __init__(self, link: OnDemandLink, worker_name: str) -> None:
        self._link = link
        self._worker_name = worker_name
        self._session: Session | None = None

    @property
    def worker_name(self) -> str:
        """The worker's name."""
        return self._worker_name

    @property
    def waits_for(self) -> str:
        """What keeps the worker from being there, as far as that is known; else empty."""
        return self._link.waits_for

    @property
    def info(self) -> WorkerInfo:
        """What the worker sent; nothing before it is connected."""
        return WorkerInfo() if self._session is None else self._session.info

    @property
    def state(self) -> SessionState:
        """The state of the session."""
        return SessionState.CONNECTED if self._session is None else self._session.state

    async def begin(self, build: object) -> None:
        """Wait until the worker is connected; start it unless it runs. Raises WorkerNotStarted."""
        self._session = await self._link.ready(build)

    async def prepare(self, builddirs: Sequence[str]) -> None:
        """Ensure that these directories exist."""
        await self._connected.prepare(builddirs)

    async def run(self, command: Command, receive: Receive) -> None:
        """Run a command."""
        await self._connected.run(command, receive)

    async def interrupt(self, command: Command, reason: str) -> None:
        """Ask the worker to kill a command."""
        await self._connected.interrupt(command, reason)

    async def close(self) -> None:
        """End the session."""
        if self._session is not None:
            await self._session.close()

    @property
    def _connected(self) -> Session:
        if self._session is None:
            raise WorkerLost(f"worker {self._worker_name} was not started")
        return self._session
