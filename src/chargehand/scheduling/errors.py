"""Errors of calls to schedulers."""

from __future__ import annotations


class SchedulingError(Exception):
    """The schedulers cannot carry out a call."""


class NoSuchScheduler(SchedulingError, LookupError):
    """No scheduler with this name runs here; check the name and the configuration."""

    def __init__(self, name: str | int) -> None:
        super().__init__(f"there is no scheduler {name!r}")


class SchedulerElsewhere(SchedulingError):
    """Another master that shares the database runs the scheduler."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"scheduler {name!r} is run by another master that shares the database; "
            "this master takes it over when the other has been silent for 10 minutes"
        )


class SchedulerDisabled(SchedulingError):
    """The scheduler is disabled; enable it first."""

    def __init__(self, name: str) -> None:
        super().__init__(f"scheduler {name!r} is disabled")


class SchedulerFailed(SchedulingError):
    """The scheduler could not be started; the message says why."""
