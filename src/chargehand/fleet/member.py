"""A worker of the fleet, with its state at run time."""

from __future__ import annotations

import asyncio
from enum import Enum

import msgspec

from chargehand.config.model import WorkerConfig
from chargehand.domain.session import Session, SessionState
from chargehand.domain.worker import Worker, WorkerSlot, why_ordered
from chargehand.fleet import rules
from chargehand.fleet.on_demand import OnDemandLink
from chargehand.fleet.ports import Link, WorkerStore
from chargehand.fleet.quarantine import Quarantines
from chargehand.fleet.remote import RemoteLink
from chargehand.fleet.rules import WorkerState

NOT_PAUSED: dict[str, object] = {
    "paused": False,
    "pause_reason": None,
    "paused_by": None,
    "paused_at": None,
}
NOT_STOPPED: dict[str, object] = {
    "graceful": False,
    "stop_reason": None,
    "stopped_by": None,
    "stopped_at": None,
}


class LinkIntent(Enum):
    """What to do with a worker's link when its last build has ended."""

    KEEP = "keep"
    RENEW = "renew"
    """Restart: the link's configuration changed, or the worker is enabled again after a stop."""
    STOP = "stop"
    REMOVE = "remove"


_UNPAUSED = (
    WorkerState.READY,
    WorkerState.ON_DEMAND,
    WorkerState.OFFLINE,
    WorkerState.INTERRUPTED,
)


class Member:
    """A worker: its configuration, stored record, session, and running builds."""

    def __init__(self, config: WorkerConfig, record: Worker) -> None:
        self._config = config
        self._record = record
        self._session: Session | None = None
        self._interrupted_at: float | None = None
        self._intent = LinkIntent.KEEP
        self._running = 0
        self._is_resting = False
        self._slot: WorkerSlot | None = None
        self._quarantines = Quarantines()
        self._is_trial_under_way = False
        self._trouble: str | None = None
        self._refusal: str | None = None
        self.interruption: str | None = None
        """Since when its connection is interrupted, if that lasts."""
        self.recording = asyncio.Lock()
        """Held while the state of its record is altered."""
        self._link: Link | None = None
        self.is_removed = False
        """Whether it is none of the fleet's workers any longer."""
        self.ended_by = "shut down"
        """What was ordered last that ends its session."""
        self.is_settling = False
        """Whether a task is stopping or restarting the link."""

    @property
    def name(self) -> str:
        """The worker's name."""
        return self._config.name

    @property
    def running(self) -> int:
        """The number of its running builds."""
        return self._running

    @property
    def config(self) -> WorkerConfig:
        """The worker's configuration."""
        return self._config

    @config.setter
    def config(self, config: WorkerConfig) -> None:
        self._config = config
        self._slot = None

    @property
    def record(self) -> Worker:
        """The stored record."""
        return self._record

    @record.setter
    def record(self, record: Worker) -> None:
        self._record = record
        self._slot = None

    @property
    def session(self) -> Session | None:
        """The session while it is connected, else None."""
        return self._session

    @session.setter
    def session(self, session: Session | None) -> None:
        self._session = session
        self._interrupted_at = None
        self._slot = None

    def session_changed(self, now: float) -> None:
        """Record the loop time at which the session was interrupted, or clear it."""
        self._interrupted_at = now if self._is_interrupted else None
        self._slot = None

    @property
    def interrupted_at(self) -> float | None:
        """The loop time at which its session was interrupted, if it is."""
        return self._interrupted_at

    @property
    def _is_interrupted(self) -> bool:
        return self._session is not None and self._session.state is SessionState.INTERRUPTED

    @property
    def link(self) -> Link | None:
        """What provides its sessions."""
        return self._link

    @link.setter
    def link(self, link: Link | None) -> None:
        self._link = link
        self._slot = None

    @property
    def machine(self) -> OnDemandLink | None:
        """What starts its machine on demand, if it is such a worker."""
        return self._link if isinstance(self._link, OnDemandLink) else None

    @property
    def remote(self) -> RemoteLink | None:
        """Where it logs in, or its running machine does, if it connects from elsewhere."""
        link = self._link if self.machine is None else self.machine.link
        return link if isinstance(link, RemoteLink) else None

    @property
    def is_remote(self) -> bool:
        """Whether it connects by itself, from elsewhere."""
        return isinstance(self._link, RemoteLink)

    def why_gone(self, reason: str) -> str:
        """Say why its session has ended: what was ordered, else *reason*, what its link says."""
        record = self._record
        if self._intent is LinkIntent.REMOVE:
            return "it was removed from the configuration"
        if record.graceful:
            told = why_ordered(record.stop_reason, record.stopped_by, None)
            return f"{self.ended_by} on request: {told}" if told else f"{self.ended_by} on request"
        if self._intent is LinkIntent.RENEW:
            return "the configuration of its connection has changed"
        return reason or "the connection was lost"

    @property
    def intent(self) -> LinkIntent:
        """What to do with its link."""
        return self._intent

    @intent.setter
    def intent(self, intent: LinkIntent) -> None:
        self._intent = intent
        self._slot = None

    @property
    def is_resting(self) -> bool:
        """Whether it gets no builds for now."""
        return self._is_resting

    @is_resting.setter
    def is_resting(self, is_resting: bool) -> None:
        self._is_resting = is_resting
        self._slot = None

    @property
    def _is_paused(self) -> bool:
        return self.state not in _UNPAUSED

    @property
    def state(self) -> WorkerState:
        """Its state."""
        return rules.state(
            connected=self._session is not None,
            interrupted=self._is_interrupted,
            paused=self._record.paused or self._is_resting,
            graceful=self._record.graceful or self._intent is not LinkIntent.KEEP,
            on_demand=self.machine is not None,
        )

    @property
    def is_due(self) -> bool:
        """Whether to stop or restart its link now."""
        if self._running or self.is_settling:
            return False
        match self._intent:
            case LinkIntent.KEEP:
                return False
            case LinkIntent.STOP:
                return self.session is not None if self.is_remote else self.link is not None
            case LinkIntent.RENEW | LinkIntent.REMOVE:
                return True

    @property
    def slot(self) -> WorkerSlot:
        """The dispatcher's view; cached until something changes."""
        if self._slot is None:
            self._slot = WorkerSlot(
                name=self.name,
                id=self._record.id,
                connected=self._session is not None,
                paused=self._is_paused,
                pause_reason=self._pause_reason(),
                interrupted_at=self._interrupted_at,
                running=self._running,
                max_builds=self._config.max_builds,
                locks=self._config.locks,
                config=self._config,
                quarantines=tuple(self._quarantines),
                trouble=self._trouble,
                refusal=self._refusal,
                is_unknown=self._is_unknown,
                is_on_trial=self._quarantines.is_on_trial and self._is_trial_under_way,
                is_on_demand=self._session is None and self.machine is not None,
                info=None if self._session is None else self._session.info,
                is_compatible=None if self.machine is None else self.machine.compatible,
            )
        return self._slot

    @property
    def _is_unknown(self) -> bool:
        known = self._session is not None or self._record.disconnected_at is not None
        return self._config.kind == "remote" and not known and not self._record.info

    @property
    def trouble(self) -> str | None:
        """Why it could not be started, the last time."""
        return self._trouble

    @trouble.setter
    def trouble(self, reason: str | None) -> None:
        self._trouble = reason
        self._slot = None

    @property
    def refusal(self) -> str | None:
        """When and why a login with its name was refused, for a while after the last one."""
        return self._refusal

    @refusal.setter
    def refusal(self, reason: str | None) -> None:
        self._refusal = reason
        self._slot = None

    @property
    def quarantines(self) -> Quarantines:
        """What it is kept from for a while."""
        self._slot = None  # They are about to be altered.
        return self._quarantines

    async def set_state(self, store: WorkerStore, **fields: object) -> None:
        """Alter these fields of its stored record, and keep what another order has recorded."""
        async with self.recording:
            altered = msgspec.structs.replace(self.record, **fields)
            self.record = await store.set_state(altered.id, altered)

    async def begin(self, store: WorkerStore) -> None:
        """Forget what ended with the last master: quarantines, and orders to shut down."""
        async with self.recording:
            record = self.record
            if record.graceful or (record.pause_reason and not record.paused):
                ended = NOT_STOPPED if record.paused else NOT_PAUSED | NOT_STOPPED
                altered = msgspec.structs.replace(record, **ended)
                self.record = await store.set_state(altered.id, altered)

    def reserve(self) -> Session | None:
        """Take a build slot; None if none is free."""
        if not rules.may_take(
            self.state, running=self._running, max_builds=self._config.max_builds
        ):
            return None
        if self._quarantines.is_on_trial:
            if self._is_trial_under_way:
                return None
            self._is_trial_under_way = True
        self._running += 1
        self._slot = None
        return self._session if self.machine is None else self.machine.take()

    def release(self) -> None:
        """Release a build slot."""
        if self._running == 0:
            raise ValueError(f"worker {self.name} has no build slot in use")
        self._running -= 1
        self._is_trial_under_way = False
        self._slot = None
        if self.machine is not None:
            self.machine.release()

    def _pause_reason(self) -> str | None:
        if self._record.graceful or self._intent is LinkIntent.STOP:
            return self._record.why_stopped
        if self._intent in (LinkIntent.RENEW, LinkIntent.REMOVE):
            return "its configuration changed"
        if self._record.paused:
            return self._record.why_paused
        return "in quarantine" if self._is_resting else None
