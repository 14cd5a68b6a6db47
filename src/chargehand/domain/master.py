"""A master, and what one of several masters does alone: schedulers and change sources."""

import msgspec

from chargehand.domain.identifiers import ChangeSourceId, MasterId, SchedulerId, Timestamp
from chargehand.domain.source_health import SourceState


class Master(msgspec.Struct, frozen=True, kw_only=True):
    """A master as the store has it."""

    id: MasterId
    name: str
    active: bool
    last_active: Timestamp


class Scheduler(msgspec.Struct, frozen=True, kw_only=True):
    """A scheduler as the store has it, with the master that does its work."""

    id: SchedulerId
    name: str
    enabled: bool = True
    master: Master | None = None


class ChangeSource(msgspec.Struct, frozen=True, kw_only=True):
    """A change source as the store has it, with the master that does its work."""

    id: ChangeSourceId
    name: str
    state: SourceState = SourceState.STARTING
    state_since: Timestamp | None = None
    state_string: str | None = None
    master: Master | None = None
