"""One worker of the fleet, with all that changes while the master runs."""

from __future__ import annotations

import asyncio
from enum import Enum

from chargehand.config.model import WorkerConfig
from chargehand.domain.session import Session, SessionState
from chargehand.domain.worker import Worker, WorkerSlot
from chargehand.fleet import rules
from chargehand.fleet.ports import Link
from chargehand.fleet.quarantine import Quarantines
from chargehand.fleet.rules import WorkerState


class LinkIntent(Enum):
    """What is to become of a worker's link when its last build has ended."""

    KEEP = "keep"
    RENEW = "renew"
    """The configuration of the link changed, or it is to come back after a stop."""
    STOP = "stop"
    REMOVE = "remove"


class Member:
    """A worker: what is configured, what the store knows, its connection, the builds it runs."""

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
        self.recording = asyncio.Lock()
        """Held while the state of its record is altered."""
        self.link: Link | None = None
        self.is_settling = False
        """Whether a task is at work that ends or renews the link."""

    @property
    def name(self) -> str:
        """The worker's name."""
        return self._config.name

    @property
    def running(self) -> int:
        """How many builds it runs."""
        return self._running

    @property
    def config(self) -> WorkerConfig:
        """What is configured."""
        return self._config

    @config.setter
    def config(self, config: WorkerConfig) -> None:
        self._config = config
        self._slot = None

    @property
    def record(self) -> Worker:
        """What the store knows."""
        return self._record

    @record.setter
    def record(self, record: Worker) -> None:
        self._record = record
        self._slot = None

    @property
    def session(self) -> Session | None:
        """The connection, when there is one."""
        return self._session

    @session.setter
    def session(self, session: Session | None) -> None:
        self._session = session
        self._interrupted_at = None
        self._slot = None

    def session_changed(self, now: float) -> None:
        """Note at which time of the loop the session was interrupted, or that it goes on."""
        self._interrupted_at = now if self._is_interrupted else None
        self._slot = None

    @property
    def _is_interrupted(self) -> bool:
        return self._session is not None and self._session.state is SessionState.INTERRUPTED

    @property
    def intent(self) -> LinkIntent:
        """What is to become of its link."""
        return self._intent

    @intent.setter
    def intent(self, intent: LinkIntent) -> None:
        self._intent = intent
        self._slot = None

    @property
    def is_resting(self) -> bool:
        """Whether it gets no builds for a while."""
        return self._is_resting

    @is_resting.setter
    def is_resting(self, is_resting: bool) -> None:
        self._is_resting = is_resting
        self._slot = None

    @property
    def _is_paused(self) -> bool:
        unpaused = (WorkerState.READY, WorkerState.OFFLINE, WorkerState.INTERRUPTED)
        return self.state not in unpaused

    @property
    def state(self) -> WorkerState:
        """Where it is in its life."""
        return rules.state(
            connected=self._session is not None,
            interrupted=self._is_interrupted,
            paused=self._record.paused or self._is_resting,
            graceful=self._record.graceful or self._intent is not LinkIntent.KEEP,
        )

    @property
    def is_due(self) -> bool:
        """Whether its link is to be ended or renewed now."""
        if self._running or self.is_settling:
            return False
        match self._intent:
            case LinkIntent.KEEP:
                return False
            case LinkIntent.STOP:
                return self.link is not None
            case LinkIntent.RENEW | LinkIntent.REMOVE:
                return True

    @property
    def slot(self) -> WorkerSlot:
        """What dispatching sees; made anew only when something changed."""
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
                is_on_trial=self._quarantines.is_on_trial and self._is_trial_under_way,
            )
        return self._slot

    @property
    def trouble(self) -> str | None:
        """Why it could not be started, the last time."""
        return self._trouble

    @trouble.setter
    def trouble(self, reason: str | None) -> None:
        self._trouble = reason
        self._slot = None

    @property
    def quarantines(self) -> Quarantines:
        """What it is kept from for a while."""
        self._slot = None  # They are about to be altered.
        return self._quarantines

    def reserve(self) -> Session | None:
        """Take a build slot; None when there is none."""
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
        return self._session

    def release(self) -> None:
        """Give a build slot back."""
        if self._running == 0:
            raise ValueError(f"worker {self.name} has no slot that is in use")
        self._running -= 1
        self._is_trial_under_way = False
        self._slot = None

    def _pause_reason(self) -> str | None:
        if self._record.graceful or self._intent is LinkIntent.STOP:
            return "shutting down on request"
        if self._intent in (LinkIntent.RENEW, LinkIntent.REMOVE):
            return "its configuration changed"
        if self._record.paused:
            return self._record.pause_reason
        return "it is in quarantine" if self._is_resting else None
