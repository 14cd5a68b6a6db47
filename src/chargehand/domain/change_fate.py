"""The outcome of a change: one value per scheduler that saw it."""

from __future__ import annotations

import msgspec

from chargehand.domain.identifiers import ChangeId
from chargehand.domain.json import Json
from chargehand.domain.retry import time_of_day


class ChangeOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a scheduler did with a change, and why.

    ``kind`` is one of ``built``, ``not_wanted``, ``unimportant``, ``waits_for_stable_tree``,
    ``waits_for_important_change``, ``is_retried``, ``being_looked_at``, ``taken``, ``not_seen``,
    ``no_scheduler``.
    """

    kind: str
    sentence: str
    scheduler: str | None = None
    details: dict[str, Json] = {}


class WaitingChanges(msgspec.Struct, frozen=True, kw_only=True):
    """Changes that a scheduler builds together, once its tree-stable timer has run out."""

    scheduler: str
    change_ids: tuple[ChangeId, ...]
    seconds: float | None = None
    """The time left; None: no timer runs, because none of the changes is important."""
    until: float | None = None
    """When that is, in seconds since 1970."""
    is_retry: bool = False
    """Whether the buildset could not be submitted and is retried then."""

    @property
    def sentence(self) -> str:
        """What the scheduler waits for."""
        if self.seconds is None or self.until is None:
            return "waits for an important change: this one is not important (fileIsImportant)"
        left, at = round(self.seconds), time_of_day(self.until)
        if self.is_retry:
            return f"cannot submit a buildset; retrying in {left} s, at {at}"
        return f"waits {left} s more, until {at}, for the tree to be stable"
