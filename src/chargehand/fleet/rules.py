"""What may be done with a worker, from what is known of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from chargehand.config.model import WorkerConfig
from chargehand.domain.worker import WorkerInfo


class WorkerState(StrEnum):
    """Where a worker is in its life."""

    OFFLINE = "offline"
    READY = "ready"
    INTERRUPTED = "interrupted"
    """Its connection is gone for the moment; what it runs goes on."""
    PAUSED = "paused"
    DRAINING = "draining"
    """Asked to stop: takes no new builds, and is closed when the last has ended."""
    STOPPED = "stopped"
    """Asked to stop, and closed."""


def state(
    *, connected: bool, paused: bool, graceful: bool, interrupted: bool = False
) -> WorkerState:
    """Return where the worker is."""
    if graceful:
        return WorkerState.DRAINING if connected else WorkerState.STOPPED
    if not connected:
        return WorkerState.OFFLINE
    if paused:
        return WorkerState.PAUSED
    return WorkerState.INTERRUPTED if interrupted else WorkerState.READY


def may_take(state: WorkerState, *, running: int, max_builds: int | None) -> bool:
    """Return whether the worker takes another build."""
    return state is WorkerState.READY and (max_builds is None or running < max_builds)


def recordable(info: WorkerInfo) -> WorkerInfo:
    """Return what may be shown to everybody: not the environment, which may hold secrets."""
    return msgspec.structs.replace(info, environ={}, commands={})


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What a new configuration changes."""

    added: tuple[WorkerConfig, ...]
    removed: tuple[str, ...]
    relinked: tuple[WorkerConfig, ...]
    """Changed in the way they connect: the old connection must end first."""
    altered: tuple[WorkerConfig, ...]
    """Changed in something that the connection does not know of."""


def difference(old: Mapping[str, WorkerConfig], new: Mapping[str, WorkerConfig]) -> Difference:
    """Return what must be done to come from *old* to *new*."""
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


def _link(config: WorkerConfig) -> tuple[str, object, dict[str, object]]:
    return config.kind, config.password, config.settings
