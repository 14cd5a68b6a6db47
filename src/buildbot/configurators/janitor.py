"""Deleting what is old, on a schedule: accepted, and not supported yet."""

from __future__ import annotations

from typing import Any

from buildbot._border.errors import error, warn
from buildbot.configurators import ConfiguratorBase

JANITOR_NAME = "__Janitor"
_TIME = ("minute", "hour", "dayOfWeek", "dayOfMonth", "month")


class JanitorConfigurator(ConfiguratorBase):
    """Deletes logs older than ``logHorizon`` and build data older than ``build_data_horizon``:
    accepted, and not supported yet."""

    compare_attrs = ("logHorizon", "build_data_horizon", "hour", "schedule")

    def __init__(
        self, logHorizon: Any = None, hour: Any = 0, build_data_horizon: Any = None, **kwargs: Any
    ) -> None:
        self.logHorizon = logHorizon
        self.build_data_horizon = build_data_horizon
        self.hour = hour
        self.schedule = kwargs
        for name in kwargs:
            if name not in _TIME:
                error(f"JanitorConfigurator: unknown argument {name!r}")
        if logHorizon is not None or build_data_horizon is not None:
            warn("JanitorConfigurator is not supported yet: nothing old is deleted")
