"""When running builds and steps are expected to end."""

from __future__ import annotations

import msgspec

from chargehand.domain.identifiers import StepId


class Prediction(msgspec.Struct, frozen=True, kw_only=True):
    """The expected end of a running build, or of its running step."""

    step_id: StepId | None
    """None for the build as a whole."""
    name: str
    """The name of the step; empty for the build."""
    eta: float
    """Seconds since 1970."""
    seconds_left: float
    progress: float
    """The part that is done, from 0 to 1."""
