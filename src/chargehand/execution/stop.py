"""A call to end a build."""

from __future__ import annotations

import msgspec

from chargehand.domain.result import Result


class Stop(msgspec.Struct, frozen=True):
    """The build is to end: with which result, why, and by whose order (None: nobody's)."""

    result: Result
    reason: str
    counts: bool = False
    """Whether a retry counts towards the limit of retries; it does not if its build did not cause
    it."""
    by: str | None = None
