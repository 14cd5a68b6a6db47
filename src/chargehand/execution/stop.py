"""A call to end a build."""

from __future__ import annotations

from dataclasses import dataclass

from chargehand.domain.result import Result


@dataclass(frozen=True, slots=True)
class Stop:
    """The build is to end: with which result, why, and by whose order (None: nobody's)."""

    result: Result
    reason: str
    counts: bool = False
    """Whether a retry counts towards the limit of retries; it does not if its build did not cause
    it."""
    by: str | None = None
