"""Creates the scheduler for each kind of settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from chargehand.config.model import Component
from chargehand.domain.identifiers import SchedulerId
from chargehand.scheduling import (
    custom,
    dependent,
    force,
    job_directory,
    listening,
    nightly,
    nightly_triggerable,
    on_change,
    periodic,
)
from chargehand.scheduling.behaviour import Behaviour, Parts
from chargehand.scheduling.scheduler import Scheduler
from chargehand.scheduling.submitting import SchedulerServices
from chargehand.scheduling.timed import Timed

AnySettings = (
    on_change.Settings
    | dependent.Settings
    | periodic.Settings
    | nightly.Settings
    | nightly_triggerable.Settings
    | force.Settings
    | job_directory.Settings
    | listening.Settings
    | custom.Settings
)


def is_known(component: Component) -> bool:
    """Return whether these settings belong to a known kind."""
    return isinstance(component.settings, AnySettings)


def described(
    components: Mapping[str, Component], ids: Mapping[str, SchedulerId]
) -> dict[SchedulerId, tuple[str, str | None]]:
    """Return the type of each scheduler, and what it waits for."""
    found = {}
    for name, component in components.items():
        if isinstance(component.settings, AnySettings):
            common = component.settings.common
            found[ids[name]] = (common.class_name, common.waits_for)
    return found


def make(
    component: Component,
    *,
    scheduler_id: SchedulerId,
    services: SchedulerServices,
    is_enabled: Callable[[], bool] = lambda: True,
) -> Scheduler:
    """Create the inactive scheduler for *component*."""
    settings = component.settings
    if not isinstance(settings, AnySettings):
        raise TypeError(f"there is no kind of scheduler for {type(settings)}")
    return Scheduler(
        name=component.name,
        scheduler_id=scheduler_id,
        settings=settings,
        kind=_behaviour,
        services=services,
        is_enabled=is_enabled,
    )


def _behaviour(settings: AnySettings, parts: Parts) -> Behaviour:
    match settings:
        case on_change.Settings():
            return on_change.OnChange(settings, parts)
        case dependent.Settings():
            return dependent.Dependent(settings, parts)
        case nightly_triggerable.Settings():
            return nightly_triggerable.NightlyTriggerable(settings, parts)
        case periodic.Settings() | nightly.Settings():
            return Timed(settings, parts)
        case force.Settings():
            return force.Force(settings, parts)
        case job_directory.Settings():
            return job_directory.JobDirectory(settings, parts)
        case listening.Settings():
            return listening.Listening(settings, parts)
        case custom.Settings():
            return custom.Custom(settings, parts)
