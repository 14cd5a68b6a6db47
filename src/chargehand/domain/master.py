"""A master, and what only one of several masters runs: schedulers and change sources."""

import msgspec

from chargehand.domain.identifiers import ChangeSourceId, MasterId, SchedulerId, Timestamp
from chargehand.domain.source_health import SourceState


class Master(msgspec.Struct, frozen=True, kw_only=True):
    """A stored master."""

    id: MasterId
    name: str
    active: bool
    last_active: Timestamp


class Scheduler(msgspec.Struct, frozen=True, kw_only=True):
    """A stored scheduler, with the master that runs it."""

    id: SchedulerId
    name: str
    enabled: bool = True
    type: str | None = None
    """The name of its class."""
    waits_for: str | None = None
    """What makes it submit buildsets, in words; None where only its class knows."""
    next_at: Timestamp | None = None
    """When it is due next, of those that have a time table."""
    master: Master | None = None


class ChangeSource(msgspec.Struct, frozen=True, kw_only=True):
    """A stored change source, with the master that runs it."""

    id: ChangeSourceId
    name: str
    state: SourceState = SourceState.STARTING
    state_since: Timestamp | None = None
    state_string: str | None = None
    master: Master | None = None
