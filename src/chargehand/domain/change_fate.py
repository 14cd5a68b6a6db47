"""The outcome of a change: one value per scheduler that saw it."""

from __future__ import annotations

import msgspec

from chargehand.domain.json import Json


class ChangeOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a scheduler did with a change, and why.

    ``kind`` is one of ``built``, ``not_wanted``, ``unimportant``, ``waits_for_stable_tree``,
    ``waits_for_important_change``, ``being_looked_at``, ``taken``, ``not_seen``, ``no_scheduler``.
    """

    kind: str
    sentence: str
    scheduler: str | None = None
    details: dict[str, Json] = {}
