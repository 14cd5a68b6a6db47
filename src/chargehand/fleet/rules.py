"""Pure rules for workers."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from chargehand.config.model import WorkerConfig


class WorkerState(StrEnum):
    """The state of a worker."""

    OFFLINE = "offline"
    ON_DEMAND = "on demand"
    """Not connected; its next build starts it."""
    READY = "ready"
    INTERRUPTED = "interrupted"
    """Its connection is interrupted; its commands keep running."""
    PAUSED = "paused"
    DRAINING = "draining"
    """Shutting down on request: takes no new builds, and is closed after the last one."""
    STOPPED = "stopped"
    """Shut down on request."""


def state(
    *,
    connected: bool,
    paused: bool,
    graceful: bool,
    interrupted: bool = False,
    on_demand: bool = False,
) -> WorkerState:
    """Return the worker's state."""
    if graceful:
        return WorkerState.DRAINING if connected else WorkerState.STOPPED
    if not connected and not on_demand:
        return WorkerState.OFFLINE
    if paused:
        return WorkerState.PAUSED
    if not connected:
        return WorkerState.ON_DEMAND
    return WorkerState.INTERRUPTED if interrupted else WorkerState.READY


def may_take(state: WorkerState, *, running: int, max_builds: int | None) -> bool:
    """Return whether the worker can take another build."""
    is_there = state in (WorkerState.READY, WorkerState.ON_DEMAND)
    return is_there and (max_builds is None or running < max_builds)


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """The changes of a new configuration."""

    added: tuple[WorkerConfig, ...]
    removed: tuple[str, ...]
    relinked: tuple[WorkerConfig, ...]
    """Workers whose connection settings changed: their old connection must end first."""
    altered: tuple[WorkerConfig, ...]
    """Workers with other changes, which do not affect the connection."""


def difference(old: Mapping[str, WorkerConfig], new: Mapping[str, WorkerConfig]) -> Difference:
    """Return the changes from *old* to *new*."""
    kept = [config for name, config in new.items() if name in old]
    relinked = {config.name for config in kept if _link(config) != _link(old[config.name])}
    return Difference(
        added=tuple(config for name, config in new.items() if name not in old),
        removed=tuple(name for name in old if name not in new),
        relinked=tuple(config for config in kept if config.name in relinked),
        altered=tuple(
            config for config in kept if config.name not in relinked and config != old[config.name]
        ),
    )


def _link(config: WorkerConfig) -> tuple[str, object, dict[str, object], object]:
    if config.kind == "remote":  # What else is new counts from the worker's next login on.
        return config.kind, None, {}, None
    if config.instance is None:
        return config.kind, config.password, config.settings, None
    # Its password, which may be a new one for each machine, is part of its identity.
    return config.kind, None, config.settings, config.identity
