"""A worker: a place where builds run."""

from dataclasses import dataclass
from typing import Any

import msgspec

from chargehand.domain.identifiers import BuilderId, MasterId, WorkerId
from chargehand.domain.lock import LockAccess


class WorkerInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker says of itself when it connects."""

    admin: str = ""
    host: str = ""
    access_uri: str = ""
    version: str = ""
    basedir: str = ""
    system: str = "posix"
    numcpus: int | None = None
    environ: dict[str, str] = {}
    commands: dict[str, str] = {}


class Worker(msgspec.Struct, frozen=True, kw_only=True):
    """A worker as the store has it."""

    id: WorkerId
    name: str
    info: dict[str, object] = {}
    connected_to: tuple[MasterId, ...] = ()
    configured_on: tuple[tuple[MasterId, BuilderId], ...] = ()
    paused: bool = False
    pause_reason: str | None = None
    graceful: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSlot:
    """A worker as dispatching sees it."""

    name: str
    id: WorkerId
    connected: bool
    paused: bool
    """Paused, or asked to stop: takes no new builds."""
    pause_reason: str | None
    running: int
    max_builds: int | None
    locks: tuple[LockAccess, ...]
    config: Any
    """The WorkerConfig, for users' functions."""
    interrupted_at: float | None = None
    """When (in time of the loop) its connection was lost, if it is expected to come back."""
