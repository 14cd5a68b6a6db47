"""How a change source fares."""

from enum import StrEnum

import msgspec


class SourceState(StrEnum):
    """Whether a change source finds changes."""

    STARTING = "starting"
    """It has not looked yet."""
    OK = "ok"
    WARNING = "warning"
    """It finds changes, but not all that it was configured for: something is skipped."""
    FAILING = "failing"


class SourceHealth(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a change source, and a sentence about it, unless all is well."""

    state: SourceState
    sentence: str | None = None
