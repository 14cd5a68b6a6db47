"""A worker, which runs builds."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from chargehand.domain.identifiers import BuilderId, MasterId, Timestamp, WorkerId
from chargehand.domain.lock import LockAccess
from chargehand.domain.properties import Property
from chargehand.domain.retry import time_of_day


class WorkerInfo(msgspec.Struct, frozen=True, kw_only=True):
    """Information that a worker sends when it connects."""

    admin: str | None = None
    host: str | None = None
    access_uri: str | None = None
    """These three are None where the worker has no such file."""
    version: str = ""
    basedir: str = ""
    system: str = "posix"
    numcpus: int | None = None
    os: dict[str, str] = {}
    """Facts about its operating system, by the name that Buildbot has for each: ``os_id`` …"""
    environ: dict[str, str] = {}
    commands: dict[str, str] = {}
    protocol: str = ""
    """How it is connected, as the master knows: ``native``, ``pb`` or ``msgpack``."""

    @property
    def public(self) -> dict[str, str | None]:
        """What everybody may see: not the environment, which may contain secrets."""
        return {
            "admin": self.admin,
            "host": self.host,
            "access_uri": self.access_uri,
            "version": self.version,
        }


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a worker gets builds; if not, who wants that, since when, and why."""

    paused: bool = False
    pause_reason: str | None = None
    """Of a worker that nobody paused: why it is in quarantine, or not there."""
    paused_by: str | None = None
    """None where nobody ordered it, or somebody who is not known."""
    paused_at: Timestamp | None = None
    """Since when it is so."""
    graceful: bool = False
    stop_reason: str | None = None
    stopped_by: str | None = None
    stopped_at: Timestamp | None = None

    @property
    def why_paused(self) -> str | None:
        """Say why it is paused, by whom, and since when."""
        return why_ordered(self.pause_reason, self.paused_by, self.paused_at)

    @property
    def why_stopped(self) -> str:
        """Say that it shuts down, why, by whom, and since when."""
        told = why_ordered(self.stop_reason, self.stopped_by, self.stopped_at)
        return f"shutting down on request: {told}" if told else "shutting down on request"


def why_ordered(reason: str | None, by: str | None, at: Timestamp | None) -> str | None:
    """Say why something was ordered, by whom, and since when it is so."""
    since = None if at is None else f"since {datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M} UTC"
    order = " ".join(part for part in (by and f"by {by}", since) if part)
    return ", ".join(part for part in (reason, order) if part) or None


class Worker(Standing, frozen=True, kw_only=True):
    """A stored worker."""

    id: WorkerId
    name: str
    info: dict[str, object] = {}
    connected_to: tuple[MasterId, ...] = ()
    configured_on: tuple[tuple[MasterId, BuilderId], ...] = ()
    disconnected_at: Timestamp | None = None
    """Since when it is connected to no master; None while it is, and if it never was."""
    connected_at: Timestamp | None = None
    """When it connected last."""
    protocol: str | None = None
    """How it did."""
    lost_at: Timestamp | None = None
    """When it ceased last to be connected to any master."""
    lost_reason: str | None = None
    """Why it did."""


class Quarantine(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A worker gets no builds for a while, because it could not prepare one."""

    builder_name: str | None
    """The only builder that this concerns; None: all."""
    failures: int
    """How many there were in a row."""
    seconds: float
    since: Timestamp
    reason: str

    @property
    def words(self) -> str:
        """Say until when, and why."""
        of_builder = f" for {self.builder_name}" if self.builder_name else ""
        times = "" if self.failures == 1 else f" ({self.failures} failures in a row)"
        until = time_of_day(self.since + self.seconds)
        return f"in quarantine{of_builder} until {until}: {self.reason}{times}"


class WorkerSlot(msgspec.Struct, frozen=True, kw_only=True):
    """The dispatcher's view of a worker."""

    name: str
    id: WorkerId
    connected: bool
    paused: bool
    """Paused or shutting down: takes no new builds."""
    pause_reason: str | None
    running: int
    max_builds: int | None
    locks: tuple[LockAccess, ...]
    config: Any
    """The WorkerConfig, for users' functions."""
    quarantines: tuple[Quarantine, ...] = ()
    """Those that go on."""
    trouble: str | None = None
    """Why it could not be started, if it is not connected."""
    refusal: str | None = None
    """When and why a login with its name was refused lately."""
    is_unknown: bool = False
    """Whether it is on another machine, and has never been connected."""
    is_on_trial: bool = False
    """Whether a build is to show just now that it can prepare builds again."""
    interrupted_at: float | None = None
    """The loop time at which its connection was lost, if it is expected to reconnect."""
    is_on_demand: bool = False
    """Whether it is not connected, and its next build starts it."""
    info: WorkerInfo | None = None
    """What it said of itself, if it is connected."""
    is_compatible: Callable[[Mapping[str, Property]], Awaitable[bool]] | None = None
    """Tells whether a build with these properties can run on its machine, which may be unfit."""

    @property
    def is_reachable(self) -> bool:
        """Whether builds can be given to it as far as its connection is concerned."""
        return self.interrupted_at is None and (self.connected or self.is_on_demand)
