"""The state of a change source."""

from enum import StrEnum

import msgspec


class SourceState(StrEnum):
    """Whether a change source works."""

    STARTING = "starting"
    """It has not polled yet."""
    OK = "ok"
    WARNING = "warning"
    """It works, but skips something that it was configured for."""
    FAILING = "failing"


class SourceHealth(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a change source, with a sentence about any problem."""

    state: SourceState
    sentence: str | None = None
