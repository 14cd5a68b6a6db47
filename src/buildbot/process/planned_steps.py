"""What is known of a step before a build runs it."""

from __future__ import annotations

from typing import Any

from buildbot._border.rendering import is_constant
from buildbot.locks import lock_accesses
from chargehand.domain.planned_step import PlannedStep


def planned(step: Any) -> PlannedStep:
    """Return the engine's value of a user's step that was just made."""
    locks, name = step.locks or (), step.name
    return PlannedStep(
        name=name if isinstance(name, str) else type(step).__name__,
        kind=type(step).__name__,
        locks=lock_accesses(locks) if is_constant(locks) else None,
        runs=_known(step.doStepIf),
        is_hidden=_known(step.hideStepIf),
    )


def _known(condition: Any) -> bool | None:
    """Return a condition that is the same in each build; None for a function or a renderable."""
    return None if callable(condition) or not is_constant(condition) else bool(condition)
