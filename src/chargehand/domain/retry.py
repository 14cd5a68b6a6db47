"""Retrying a request, and the number of attempts after which it ends."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from chargehand.domain.identifiers import Timestamp
from chargehand.domain.sentence import sentence

MOST_RETRIES = 10
"""How often one request is retried because of what its builds did."""

LONGEST_PAUSE = 300.0
_FIRST_PAUSE = 1.0


class Retry(msgspec.Struct, frozen=True, kw_only=True):
    """The next attempt to build a request."""

    number: int
    """How many retries that makes, this one included."""
    at: Timestamp
    """Not before."""
    reason: str

    @property
    def words(self) -> str:
        """Say which, and when: ``retry 3 of 10 at 12:04:31 UTC``."""
        return f"retry {self.number} of {MOST_RETRIES} at {time_of_day(self.at)}"


def following(last: Retry | None, *, now: Timestamp, reason: str) -> Retry | None:
    """Return the retry after *last*, later each time; None when there were enough."""
    number = 1 if last is None else last.number + 1
    if number > MOST_RETRIES:
        return None
    pause = min(_FIRST_PAUSE * 2.0 ** (number - 1), LONGEST_PAUSE)
    return Retry(number=number, at=now + pause, reason=sentence(reason))


def pause_left(retry: Retry | None, now: Timestamp) -> float:
    """Return for how many seconds a request still has to wait.

    Never longer than the longest pause, however the clock has been set since.
    """
    return 0.0 if retry is None else min(max(retry.at - now, 0.0), LONGEST_PAUSE)


def time_of_day(at: Timestamp) -> str:
    """Return the time in words; it is in UTC, for who reads it may be anywhere."""
    return f"{datetime.fromtimestamp(at, UTC):%H:%M:%S} UTC"
