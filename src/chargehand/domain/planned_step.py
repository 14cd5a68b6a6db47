"""A step of a builder, as it is configured."""

from __future__ import annotations

import msgspec

from chargehand.domain.lock import LockAccess


class PlannedStep(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a step before a build makes it."""

    name: str
    kind: str
    """The name of its class."""
    locks: tuple[LockAccess, ...] | None = ()
    """Which it holds while it runs; None: each build decides."""
    runs: bool | None = True
    """Whether it runs; None: each build decides."""
    is_hidden: bool | None = False
    """Whether pages hide it; None: each build decides."""
