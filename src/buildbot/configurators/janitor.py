"""Deleting old data on a schedule: accepted, not supported yet."""

from __future__ import annotations

from typing import Any

from buildbot._border.arguments import no_argument
from buildbot._border.errors import error, warn
from buildbot.configurators import ConfiguratorBase

JANITOR_NAME = "__Janitor"
_TIME = ("minute", "hour", "dayOfWeek", "dayOfMonth", "month")
_HORIZONS = ("logHorizon", "build_data_horizon")


class JanitorConfigurator(ConfiguratorBase):
    """Deletes logs older than ``logHorizon`` and build data older than ``build_data_horizon``:
    accepted, not supported yet."""

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
                error(no_argument("JanitorConfigurator", name, (*_TIME, *_HORIZONS)))
        if logHorizon is not None or build_data_horizon is not None:
            warn("JanitorConfigurator is not supported yet; no old data is deleted")
