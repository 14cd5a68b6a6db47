"""The machine of a worker that is started on demand."""

from __future__ import annotations

import hashlib
import re
from enum import Enum, StrEnum

import msgspec

from chargehand.domain.identifiers import InstanceId, MasterId, Timestamp, WorkerId


class InstanceState(Enum):
    """What the machine of an on-demand worker is doing."""

    NOT_SUBSTANTIATED = 0
    """There is no machine."""
    SUBSTANTIATING = 1
    """The machine is being started."""
    SUBSTANTIATING_STARTING = 2
    """The machine was started, and its worker must connect."""
    SUBSTANTIATED = 3
    """The worker is connected."""
    INSUBSTANTIATING = 4
    """The machine is being stopped."""
    INSUBSTANTIATING_SUBSTANTIATING = 5
    """The machine is being stopped, and will be started again."""
    SHUT_DOWN = 6
    """The machine is stopped for good."""


class RecordedState(StrEnum):
    """What is recorded of a machine: in each state but STOPPED there may be one to stop."""

    STARTING = "starting"
    """Recorded before anything is started."""
    CONNECTING = "connecting"
    """It was started, and its worker must connect."""
    RUNNING = "running"
    """Its worker is connected."""
    STOPPING = "stopping"
    STOPPED = "stopped"
    STRANDED = "stranded"
    """Stopping it has failed, or nothing is left that can stop it; it may still run."""


class InstanceRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A machine as the store has it."""

    id: InstanceId
    name: str
    """Known before it is started: what is started is named or labelled so."""
    worker_id: WorkerId
    worker_name: str
    master_id: MasterId
    epoch: int
    """The master's epoch in which it was started."""
    state: RecordedState
    reason: str | None = None
    """Why it is in this state."""
    identity: list[str] = []
    """What identifies it, for people."""
    handle: object = None
    """What the worker's class needs to stop it; plain data."""
    started_at: Timestamp
    state_since: Timestamp

    @property
    def may_run(self) -> bool:
        """Whether there may be a machine."""
        return self.state is not RecordedState.STOPPED


class InstanceLabels(msgspec.Struct, frozen=True, kw_only=True):
    """What a machine is labelled with, so that it is found even if nothing else is known of it."""

    fleet: str
    """The master's identity, the same after a restart."""
    worker: str
    epoch: int
    name: str


class StartedInstance(msgspec.Struct, frozen=True, kw_only=True):
    """What the worker's class says of a machine that it has started."""

    identity: tuple[str, ...] = ()
    """For people."""
    handle: object = None
    """What is needed to stop it: plain data, or None if it kept none."""


class InstanceHealth(msgspec.Struct, frozen=True, kw_only=True):
    """What the worker's class sees of a machine whose worker must connect."""

    is_well: bool = True
    """Whether its worker may still connect."""
    words: str = ""
    """Why it will not, or what it seems to wait for; may be empty."""


class LeftInstance(msgspec.Struct, frozen=True, kw_only=True):
    """A machine that an earlier process of the master has left."""

    labels: InstanceLabels
    identity: tuple[str, ...]
    handle: object


class FoundInstance(msgspec.Struct, frozen=True, kw_only=True):
    """A machine that was found by its labels."""

    name: str
    handle: object


_MOST_OF_A_NAME = 24


def fleet_identity(master_name: str, secret: str) -> str:
    """Return what a master's machines are labelled with: neither two masters of one name, nor two
    with copies of one database have the same."""
    return hashlib.sha256(f"{master_name}\n{secret}".encode()).hexdigest()[:10]


def instance_name(fleet: str, worker_name: str, epoch: int, number: int) -> str:
    """Return the name of a machine: at most 63 lower-case letters, digits and hyphens."""
    worker = re.sub("[^a-z0-9]+", "-", worker_name.lower()).strip("-")[:_MOST_OF_A_NAME]
    return f"chargehand-{fleet}-{worker.strip('-') or 'worker'}-{epoch}-{number}"
