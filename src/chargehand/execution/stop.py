"""The order to end a build."""

from __future__ import annotations

from dataclasses import dataclass

from chargehand.domain.result import Result


@dataclass(frozen=True, slots=True)
class Stop:
    """The build is to end: with which result, why, and by whose order (None: nobody's)."""

    result: Result
    reason: str
    counts: bool = False
    """Whether a retry counts as one of those that a request may have: not where its build did
    nothing to cause it."""
    by: str | None = None
