"""What may be wrong with an order given to the schedulers."""

from __future__ import annotations


class SchedulingError(Exception):
    """Something was asked of the schedulers that they cannot do."""


class NoSuchScheduler(SchedulingError, LookupError):
    """No such scheduler is running here; look at its name, and at the configuration."""

    def __init__(self, name: str | int) -> None:
        super().__init__(f"there is no scheduler {name!r}")


class SchedulerDisabled(SchedulingError):
    """The scheduler is disabled; enable it first."""

    def __init__(self, name: str) -> None:
        super().__init__(f"scheduler {name!r} is disabled")
