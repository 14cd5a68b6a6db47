"""What a running build works with."""

from __future__ import annotations

from dataclasses import dataclass

from chargehand.config.model import LogConfig
from chargehand.execution.ports import BuildStore, Locks, LogStore, StepStore, WorkerHealth
from chargehand.kit.clock import Clock
from chargehand.kit.redaction import Redaction
from chargehand.kit.tasks import Tasks


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildServices:
    """The stores and the like, the same for all builds until a reconfiguration."""

    builds: BuildStore
    steps: StepStore
    logs: LogStore
    locks: Locks
    health: WorkerHealth
    tasks: Tasks
    log_config: LogConfig
    redaction: Redaction
    """What a build must not show; of the service, all that any build must not."""
    clock: Clock
    grace: float
    """Seconds that a step has to end after it was interrupted, and again after it was cancelled."""
