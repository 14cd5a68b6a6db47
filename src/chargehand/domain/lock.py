"""Locks: how many builds or steps may use a thing at once."""

from enum import StrEnum

import msgspec

from chargehand.domain.identifiers import BuildId, RequestId, StepId


class LockScope(StrEnum):
    """Whether one lock serves the whole farm, or each worker has one."""

    MASTER = "master"
    WORKER = "worker"


class LockMode(StrEnum):
    """Counting: up to the lock's count at once. Exclusive: nobody else."""

    COUNTING = "counting"
    EXCLUSIVE = "exclusive"


class LockSpec(msgspec.Struct, frozen=True, kw_only=True):
    """A lock as configured; the name is its identity."""

    name: str
    scope: LockScope
    max_count: int = 1
    max_count_for_worker: dict[str, int] = {}

    def count_for(self, worker_name: str) -> int:
        """Return how many may hold it at once (on that worker)."""
        return self.max_count_for_worker.get(worker_name, self.max_count)


class LockAccess(msgspec.Struct, frozen=True, kw_only=True):
    """How a builder or a step wants to use a lock."""

    lock: LockSpec
    mode: LockMode
    count: int = 1


class LockHolder(msgspec.Struct, frozen=True, kw_only=True):
    """Who holds a lock or waits for it, so that a wait can be explained."""

    builder_name: str
    build_id: BuildId | None = None
    build_number: int | None = None
    step_id: StepId | None = None
    step_name: str | None = None
    request_id: RequestId | None = None

    @property
    def words(self) -> str:
        """Name it in a sentence: ``release #4 (step deploy)``."""
        build = self.builder_name
        if self.build_number is not None:
            build = f"{build} #{self.build_number}"
        return f"{build} (step {self.step_name})" if self.step_name else build


class LockTooSmall(ValueError):
    """More is wanted of a lock than it can ever give."""

    def __init__(self, name: str, wanted: int, allowed: int) -> None:
        super().__init__(f"wants {wanted} of lock {name}, which allows {allowed}")
        self.name = name
        self.wanted = wanted
        self.allowed = allowed


class LockCycle(Exception):
    """Builds wait for locks that each other hold, and this one gives way; the message names them.

    ``reason`` is for all who see this build, and names none but the locks.
    """

    def __init__(self, locks: tuple[str, ...], message: str) -> None:
        super().__init__(message)
        self.reason = f"deadlock over locks {' and '.join(locks)}; giving way to an older request"
