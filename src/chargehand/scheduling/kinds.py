"""Which settings make which kind of scheduler."""

from __future__ import annotations

from typing import Any

from chargehand.config.model import Component
from chargehand.domain.identifiers import SchedulerId
from chargehand.scheduling import custom, force, nightly, on_change, periodic
from chargehand.scheduling.scheduler import Scheduler
from chargehand.scheduling.submitting import Surroundings

_KINDS: dict[type[Any], Any] = {
    on_change.Settings: on_change.OnChange,
    periodic.Settings: periodic.Periodic,
    nightly.Settings: nightly.Nightly,
    force.Settings: force.Force,
    custom.Settings: custom.Custom,
}


def is_known(component: Component) -> bool:
    """Return whether there is a kind for these settings."""
    return type(component.settings) in _KINDS


def make(
    component: Component, *, scheduler_id: SchedulerId, surroundings: Surroundings
) -> Scheduler:
    """Make the scheduler that *component* describes, not yet active."""
    kind = _KINDS[type(component.settings)]
    scheduler: Scheduler = kind(
        name=component.name,
        scheduler_id=scheduler_id,
        settings=component.settings,
        surroundings=surroundings,
    )
    return scheduler
