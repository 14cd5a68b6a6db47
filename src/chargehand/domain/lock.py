"""Locks: limit how many builds or steps use something at the same time."""

from enum import StrEnum

import msgspec

from chargehand.domain.identifiers import BuildId, RequestId, StepId


class LockScope(StrEnum):
    """Whether one lock covers all workers, or each worker has its own."""

    MASTER = "master"
    WORKER = "worker"


class LockMode(StrEnum):
    """Counting: up to the lock's count at a time. Exclusive: nobody else."""

    COUNTING = "counting"
    EXCLUSIVE = "exclusive"


class LockSpec(msgspec.Struct, frozen=True, kw_only=True):
    """A lock as configured; the name is its identity."""

    name: str
    scope: LockScope
    max_count: int = 1
    max_count_for_worker: dict[str, int] = {}

    def count_for(self, worker_name: str) -> int:
        """Return the limit of holders (on that worker)."""
        return self.max_count_for_worker.get(worker_name, self.max_count)


class LockAccess(msgspec.Struct, frozen=True, kw_only=True):
    """How a builder or a step uses a lock."""

    lock: LockSpec
    mode: LockMode
    count: int = 1


class LockHolder(msgspec.Struct, frozen=True, kw_only=True):
    """The holder of a lock or a waiter for it, for explanations."""

    builder_name: str
    build_id: BuildId | None = None
    build_number: int | None = None
    step_id: StepId | None = None
    step_name: str | None = None
    request_id: RequestId | None = None

    @property
    def words(self) -> str:
        """Its name in a sentence: ``release #4 (step deploy)``."""
        build = self.builder_name
        if self.build_number is not None:
            build = f"{build} #{self.build_number}"
        return f"{build} (step {self.step_name})" if self.step_name else build


class LockTooSmall(ValueError):
    """The access needs more of a lock than it can ever grant."""

    def __init__(self, name: str, wanted: int, allowed: int) -> None:
        super().__init__(f"needs {wanted} of lock {name}, which allows {allowed}")
        self.name = name
        self.wanted = wanted
        self.allowed = allowed


class LockCycle(Exception):
    """A deadlock between builds over locks, which this build resolves by giving way.

    The message names the builds; ``reason`` is for all visitors who see this build, and names only
    the locks.
    """

    def __init__(self, locks: tuple[str, ...], message: str) -> None:
        super().__init__(message)
        self.reason = f"deadlock over locks {' and '.join(locks)}; giving way to an older request"
