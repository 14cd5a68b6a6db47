"""Dependencies of a running build."""

from __future__ import annotations

import msgspec

from chargehand.config.model import LogConfig
from chargehand.config.trust import TrustConfig
from chargehand.execution.expectations import Expectations
from chargehand.execution.ports import BuildStore, Locks, LogStore, StepStore, WorkerHealth
from chargehand.kit.clock import Clock
from chargehand.kit.redaction import Redaction
from chargehand.kit.tasks import Tasks


class BuildServices(msgspec.Struct, frozen=True, kw_only=True):
    """Stores and settings, shared by all builds until a reconfiguration."""

    builds: BuildStore
    steps: StepStore
    logs: LogStore
    locks: Locks
    health: WorkerHealth
    tasks: Tasks
    log_config: LogConfig
    trust: TrustConfig
    """What builds of less trusted sources may use."""
    redaction: Redaction
    """Redaction of the build's secrets; in the service, the secrets of all builds."""
    clock: Clock
    expectations: Expectations
    grace: float
    """Seconds that a step gets to end after an interrupt, and again after cancellation."""
