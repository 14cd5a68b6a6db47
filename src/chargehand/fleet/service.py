"""The fleet: all workers, their connections, and their running builds."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from chargehand.config.model import WorkerConfig
from chargehand.domain.failed_part import FailedPart
from chargehand.domain.identifiers import BuilderId, MasterId, WorkerId
from chargehand.domain.session import Session, SessionState
from chargehand.domain.worker import Worker, WorkerSlot
from chargehand.fleet import rules
from chargehand.fleet.health import Health, ids_of
from chargehand.fleet.instances import Instances
from chargehand.fleet.member import NOT_PAUSED, NOT_STOPPED, LinkIntent, Member
from chargehand.fleet.on_demand import OnDemandLink
from chargehand.fleet.ports import InstanceStore, Link, LinkMaker, WorkerStore
from chargehand.fleet.recorded_machine import Books
from chargehand.fleet.remote import RemoteLink
from chargehand.fleet.rules import WorkerState
from chargehand.kit.clock import Clock, SystemClock
from chargehand.kit.tasks import Tasks

_log = logging.getLogger(__name__)


class Fleet:
    """All workers of this master.

    Implements Workers of ``dispatch.ports``, and the Registry of its links; *links* creates a
    worker's link by its kind.
    """

    def __init__(
        self,
        *,
        store: WorkerStore,
        instances: InstanceStore,
        master_id: MasterId,
        links: Mapping[str, LinkMaker],
        clock: Clock | None = None,
    ) -> None:
        self._store = store
        self._master_id = master_id
        self._links = links
        self._members: dict[str, Member] = {}
        self._listeners: list[Callable[[str], None]] = []
        self._resting: dict[str, asyncio.Task[None]] = {}
        self._tasks = Tasks("fleet")
        self._is_closing = False
        time = self._clock = clock or SystemClock()
        self._health = Health(store=store, clock=time, tasks=self._tasks, tell=self._tell)
        self._instances = Instances(
            books=Books(store=instances, master_id=master_id, clock=time),
            tasks=self._tasks,
            in_use=self._machines,
        )

    def on_change(self, callback: Callable[[str], None]) -> None:
        """Call *callback* with a worker's name immediately when its availability changes."""
        self._listeners.append(callback)

    def on_not_started(self, callback: Callable[[Worker], None]) -> None:
        """Call *callback* when a worker's machine could not be started, once for each trouble."""
        self._health.on_not_started(callback)

    async def reconfigure(
        self, workers: Sequence[WorkerConfig], builders: Mapping[str, Sequence[BuilderId]]
    ) -> None:
        """Apply a configuration of workers; *builders* has the builders of each worker.

        Touches only what changed; running builds continue: a worker that was removed, or whose
        connection settings changed, is closed when its last build has ended.
        """
        new = {config.name: config for config in workers}
        wanted = {name: builders.get(name, ()) for name in new}
        records = await self._store.sync(wanted, self._master_id)
        for name in self._members.keys() & records.keys():
            self._members[name].record = records[name]
        await self._instances.load()
        old = {
            name: member.config
            for name, member in self._members.items()
            if member.intent is not LinkIntent.REMOVE
        }
        changes = rules.difference(old, new)
        for config in changes.added:
            await self._add(config, records[config.name])
        for config in (*changes.relinked, *changes.altered):
            self._members[config.name].config = config
        for config in changes.relinked:
            self._intent(self._members[config.name], LinkIntent.RENEW)
        for name in changes.removed:
            self._intent(self._members[name], LinkIntent.REMOVE)
        for config in changes.altered:
            self._tell(config.name)
        self._instances.configured()

    def _machines(self) -> list[OnDemandLink]:
        members = self._members.values()
        return [member.machine for member in members if member.machine is not None]

    async def close(self) -> None:
        """Close all connections immediately; running builds lose their worker."""
        self._is_closing = True
        await self._tasks.close()
        links = [member.link for member in self._members.values() if member.link is not None]
        await asyncio.gather(*(link.stop() for link in links))

    def slots(self, names: Sequence[str]) -> list[WorkerSlot]:
        """Return the state of these workers, in that order; skips unknown names."""
        members = self._members
        return [members[name].slot for name in names if name in members]

    def reserve(self, name: str) -> Session | None:
        """Take a build slot and return the worker's session; None if none is free."""
        member = self._members.get(name)
        return None if member is None else member.reserve()

    def release(self, name: str) -> None:
        """Release the slot."""
        member = self._member(name)
        member.release()
        if not member.running and member.remote is not None:
            member.remote.became_idle()
        self._settle_if_due(member)
        self._tell(name)

    def state(self, name: str) -> WorkerState:
        """Return a worker's state. Raises LookupError."""
        return self._member(name).state

    def record(self, worker: int | str) -> Worker:
        """Return one of this master's workers, by id or name. Raises LookupError."""
        return self._found(worker).record

    def name_of(self, worker_id: WorkerId) -> str | None:
        """Return the name of one of this master's workers, None for another's."""
        return next((m.name for m in self._members.values() if m.record.id == worker_id), None)

    def absent(self, name: str) -> Worker | None:
        """Return the record of a worker that should be connected and is not, None for others."""
        member = self._members.get(name)
        is_absent = member is not None and member.session is None and member.machine is None
        return member.record if member is not None and is_absent else None

    def rest(self, name: str, seconds: float) -> None:
        """Give a worker no builds for *seconds*; 0 ends the pause. Raises LookupError."""
        member = self._member(name)
        if earlier := self._resting.pop(name, None):
            earlier.cancel()
        was_resting, member.is_resting = member.is_resting, seconds > 0
        if member.is_resting:
            self._resting[name] = self._tasks.spawn(
                self._end_rest(member, seconds), name=f"pause of {name}"
            )
        if was_resting and not member.is_resting:
            self._tell(name)

    def ready(self, worker_name: str, builder_name: str) -> None:
        """A worker has prepared a build: it is out of quarantine for that builder."""
        if (member := self._members.get(worker_name)) is not None:
            self._health.ready(member, builder_name)

    def not_ready(self, worker_name: str, builder_name: str, reason: str) -> None:
        """A worker could not prepare a build: it gets none of that builder for a while."""
        if (member := self._members.get(worker_name)) is not None:
            self._health.not_ready(member, builder_name, reason)

    def not_started(self, worker_name: str, reason: str) -> None:
        """A worker could not be started; its link retries, later each time."""
        if (member := self._members.get(worker_name)) is not None:
            self._health.not_started(member, reason)

    def login_refused(self, worker_name: str, reason: str) -> None:
        """Somebody who gave this worker's name was not let in; *reason* says when and why."""
        if (member := self._members.get(worker_name)) is not None:
            self._health.login_refused(member, reason)

    @property
    def failed_parts(self) -> Sequence[FailedPart]:
        """The workers that could not be started here; each is retried, later each time."""
        return [
            FailedPart(kind="worker", name=name, reason=member.trouble)
            for name, member in sorted(self._members.items())
            if member.trouble is not None
        ]

    async def _end_rest(self, member: Member, seconds: float) -> None:
        await asyncio.sleep(seconds)
        del self._resting[member.name]
        member.is_resting = False
        self._tell(member.name)

    async def attach(self, session: Session) -> None:
        """Register a worker's session; the worker gets builds from now on."""
        member = self._members.get(session.worker_name)
        if member is None:
            await session.close()
            return
        member.session = session
        if member.machine is None:
            self._health.is_well(member)
        if member.intent is LinkIntent.STOP:
            await self._came_while_stopping(member)
        member.record = await self._store.connected(member.record.id, self._master_id, session.info)
        if session.state is SessionState.LOST:  # It was lost meanwhile; its link detaches it.
            member.session = None if member.session is session else member.session
            return
        _log.info("worker %s is connected", member.name, extra=ids_of(member))
        if member.machine is not None and not member.machine.attached(session):
            await session.close()
        self._tell(member.name)

    async def _came_while_stopping(self, member: Member) -> None:
        """Somebody has started the worker again; or its connection was lost before it ended."""
        if isinstance(member.link, RemoteLink) and member.link.is_let_go:
            await member.set_state(self._store, **NOT_STOPPED)
            if member.intent is LinkIntent.STOP:  # It may have been removed meanwhile.
                member.intent = LinkIntent.KEEP
        self._settle_if_due(member)

    def is_idle(self, worker_name: str) -> bool:
        """Return whether no build of this master runs on the worker, or is about to."""
        member = self._members.get(worker_name)
        return member is None or not member.running

    async def stop_requested(self, worker_name: str) -> None:
        """A worker asks to be shut down as soon as it has no more builds."""
        _log.info("worker %s asks to be shut down", worker_name)
        await self.control(worker_name, "stop", by="the worker itself")

    async def register_again(self) -> None:
        """Record the connected workers again, after the store declared this master stopped."""
        for member in list(self._members.values()):
            if member.session is not None:
                member.record = await self._store.connected(
                    member.record.id, self._master_id, member.session.info
                )

    def changed(self, session: Session) -> None:
        """Note that a session's state has changed; only connected workers get builds."""
        member = self._members.get(session.worker_name)
        if member is not None and member.session is session:
            if session.state is SessionState.LOST:
                member.session = None
                if member.machine is not None:
                    member.machine.lost()
            else:
                member.session_changed(asyncio.get_running_loop().time())
                if session.state is SessionState.CONNECTED:
                    self._health.is_back(member)
                else:
                    self._health.is_interrupted(member)
            if session.state is not SessionState.INTERRUPTED:
                self._health.interruption_is_over(member)
            self._tell(member.name)

    async def detach(self, session: Session, reason: str) -> None:
        """Unregister a session that was lost for a reason; none of its processes are left."""
        member = self._members.get(session.worker_name)
        if member is None or member.session not in (None, session):
            return
        member.session = None
        _log.info("worker %s is disconnected", member.name, extra=ids_of(member))
        why = "the master was stopped" if self._is_closing else member.why_gone(reason)
        member.record = await self._store.disconnected(member.record.id, self._master_id, why)

    async def control(
        self, worker: int | str, method: str, reason: str | None = None, by: str | None = None
    ) -> None:
        """Execute a user's call: ``stop``, ``kill``, ``pause`` or ``unpause``.

        *by* says who gave the order. Raises LookupError for an unknown worker, ValueError for
        another method.
        """
        member = self._found(worker)
        now = self._clock.timestamp()
        match method:
            case "pause":
                await member.set_state(
                    self._store, paused=True, pause_reason=reason, paused_by=by, paused_at=now
                )
            case "unpause":
                self._health.lift_quarantines(member)
                await member.set_state(self._store, **NOT_PAUSED, **NOT_STOPPED)
                if member.intent is LinkIntent.STOP:
                    intent = LinkIntent.KEEP if member.is_remote else LinkIntent.RENEW
                    self._intent(member, intent)
            case "stop" | "kill":
                member.ended_by = "killed" if method == "kill" else "shut down"
                await member.set_state(
                    self._store, graceful=True, stop_reason=reason, stopped_by=by, stopped_at=now
                )
                if isinstance(member.link, RemoteLink) and member.session is None:
                    member.link.is_let_go = True
                if member.intent is not LinkIntent.REMOVE:
                    self._intent(member, LinkIntent.STOP)
                if method == "kill" and member.session is not None:
                    await self._settle(member)
            case _:
                raise ValueError(
                    f"unknown action {method!r} for a worker: use stop, kill, pause or unpause"
                )
        self._tell(member.name)

    def _found(self, worker: int | str) -> Member:
        if isinstance(worker, str):
            return self._member(worker)
        for member in self._members.values():
            if member.record.id == worker:
                return member
        raise LookupError(f"this master has no worker with id {worker}")

    def _member(self, name: str) -> Member:
        try:
            return self._members[name]
        except KeyError:
            raise LookupError(f'this master has no worker "{name}"') from None

    async def _add(self, config: WorkerConfig, record: Worker) -> None:
        member = self._members.get(config.name) or Member(config, record)
        await member.begin(self._store)
        if self._members.get(config.name) is member:
            # It was removed from the configuration, but still runs builds.
            member.config = config
            self._intent(member, LinkIntent.RENEW)
            return
        member = self._members[config.name] = Member(config, member.record)
        await self._start_link(member)

    def _intent(self, member: Member, intent: LinkIntent) -> None:
        member.intent = intent
        self._settle_if_due(member)
        self._tell(member.name)

    def _settle_if_due(self, member: Member) -> None:
        is_ours = self._members.get(member.name) is member  # until it is removed
        if is_ours and member.is_due:
            self._tasks.spawn(self._settle(member), name=f"settle {member.name}")

    async def _settle(self, member: Member) -> None:
        """Stop the link, then act on the intent as it is by then."""
        if member.is_settling or self._members.get(member.name) is not member:
            return  # Two builds that end together ask for it twice.
        member.is_settling = True
        try:
            if isinstance(member.link, RemoteLink) and member.intent is LinkIntent.STOP:
                await member.link.shut_down()
            elif member.link is not None:
                if member.machine is not None:
                    member.machine.closing_reason = member.slot.pause_reason or "shutting down"
                await member.link.stop()
                member.link = None
            match member.intent:
                case LinkIntent.REMOVE if not member.running:
                    del self._members[member.name]
                    member.is_removed = True
                case LinkIntent.RENEW if not member.running:
                    member.intent = LinkIntent.KEEP
                    await self._start_link(member)
                case _:
                    pass  # Killed builds have not released their slots yet.
        finally:
            member.is_settling = False
        self._settle_if_due(member)
        self._tell(member.name)

    async def _start_link(self, member: Member) -> None:
        make = self._links.get(member.config.kind)
        if make is None:
            return  # Reading the configuration has warned about kinds that are not supported yet.
        member.link = self._link_of(member, make)
        await member.link.start()

    def _link_of(self, member: Member, make: LinkMaker) -> Link:
        config = member.config
        if config.instance is None:
            return make(config, self)
        return self._instances.link(
            config,
            config.instance,
            worker=lambda: member.record,
            connect=lambda: make(config, self),
            refused=partial(self._health.machine_refused, member),
            recovered=partial(self._health.lift_quarantines, member),
            refusal=lambda: member.refusal or "",
        )

    def _tell(self, name: str) -> None:
        for listener in self._listeners:
            listener(name)
