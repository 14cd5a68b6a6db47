"""What may be wrong with an order given to the schedulers."""

from __future__ import annotations

from collections.abc import Mapping


class SchedulingError(Exception):
    """Something was asked of the schedulers that they cannot do."""


class InvalidParameters(SchedulingError):
    """Parameters of a form are wrong; ``errors`` maps their names to sentences."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {text}" for name, text in errors.items()))
        self.errors = dict(errors)


class NoSuchScheduler(SchedulingError, LookupError):
    """No such scheduler is running here; look at its name, and at the configuration."""

    def __init__(self, name: str | int) -> None:
        super().__init__(f"there is no scheduler {name!r}")


class SchedulerDisabled(SchedulingError):
    """The scheduler is disabled; enable it first."""

    def __init__(self, name: str) -> None:
        super().__init__(f"scheduler {name!r} is disabled")
