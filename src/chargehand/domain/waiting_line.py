"""Waiting requests of one builder that wait for the same reason."""

import msgspec

from chargehand.domain.identifiers import BuilderId, RequestId, Timestamp
from chargehand.domain.waiting import Waiting

MOST_NAMED = 100
"""How many requests of a group are named."""


class WaitingLine(msgspec.Struct, frozen=True, kw_only=True):
    """How many requests of a builder wait, and why the first of them does."""

    builder_id: BuilderId
    why: Waiting
    count: int
    oldest_submitted_at: Timestamp
    request_ids: tuple[RequestId, ...]
    """Those that are built next, `MOST_NAMED` at most."""
