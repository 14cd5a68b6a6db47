"""The janitor: a builder that deletes old data on a schedule."""

from __future__ import annotations

from contextlib import aclosing
from datetime import timedelta
from typing import Any, ClassVar

from buildbot._border.arguments import arguments_of, no_argument
from buildbot._border.bridge import outgoing
from buildbot._border.errors import error
from buildbot.config.builder import JANITOR_NAME, BuilderConfig
from buildbot.configurators import ConfiguratorBase
from buildbot.process.build_factory import BuildFactory
from buildbot.process.buildstep import BuildStep
from buildbot.process.results import CANCELLED, SUCCESS
from buildbot.schedulers.forcesched import ForceScheduler
from buildbot.schedulers.timed import Nightly
from buildbot.worker.local import LocalWorker

__all__ = ["JANITOR_NAME", "BuildDataJanitor", "JanitorConfigurator", "LogChunksJanitor"]

_HORIZONS = ("logHorizon", "build_data_horizon")
_OURS = frozenset({"name", "builderNames"})
_UNITS = ("bytes", "KB", "MB", "GB", "TB")


class LogChunksJanitor(BuildStep):
    """Delete the text of logs of builds that finished longer ago than ``logHorizon``."""

    name = "LogChunksJanitor"
    renderables: ClassVar[Any] = ["logHorizon"]

    def __init__(self, logHorizon: timedelta) -> None:
        super().__init__()
        self.logHorizon = logHorizon

    @outgoing
    async def run(self) -> int:
        """Delete it in small pieces, until none is left or the step is stopped."""
        engine = self.master.access.engine
        before = engine.retention.now() - self.logHorizon.total_seconds()
        count = size = 0
        async with aclosing(engine.retention.delete_logs(before, engine.master_id)) as batches:
            async for batch in batches:
                count, size = count + batch.count, size + batch.size
                self.descriptionDone = [f"deleted {_logs(count, size)}"]
                if self.stopped:
                    return CANCELLED
        self.descriptionDone = [f"deleted {_logs(count, size)}"]
        return SUCCESS


class BuildDataJanitor(BuildStep):
    """Delete the data of builds that finished longer ago than ``build_data_horizon``."""

    name = "BuildDataJanitor"
    renderables: ClassVar[Any] = ["build_data_horizon"]

    def __init__(self, build_data_horizon: timedelta) -> None:
        super().__init__()
        self.build_data_horizon = build_data_horizon

    @outgoing
    async def run(self) -> int:
        """Delete it in small pieces, until none is left or the step is stopped."""
        retention = self.master.access.engine.retention
        before = retention.now() - self.build_data_horizon.total_seconds()
        count = 0
        async with aclosing(retention.delete_build_data(before)) as batches:
            async for number in batches:
                count += number
                self.descriptionDone = [f"deleted {count} build data key-value pairs"]
                if self.stopped:
                    return CANCELLED
        self.descriptionDone = [f"deleted {count} build data key-value pairs"]
        return SUCCESS


class JanitorConfigurator(ConfiguratorBase):
    """Adds a builder that deletes the text of logs of builds that finished longer ago than
    ``logHorizon``, and build data older than ``build_data_horizon`` (both are timedeltas).

    ``hour``, ``minute``, ``dayOfWeek``, ``dayOfMonth``, ``month`` and all other arguments of
    `Nightly` say when; by default it runs each day at midnight. Builder, worker and scheduler are
    named ``__Janitor``; the force scheduler ``__Janitor_force`` runs it at once.

    Args:
        logHorizon (timedelta | None): Delete the text of logs of builds that finished longer ago;
            None keeps it.
        hour (int | str | list[int]): Hours at which it works.
        build_data_horizon (timedelta | None): Delete the data of builds that finished longer ago;
            None keeps it.
        kwargs (Any): Other arguments of schedulers.Nightly that say when it works.
    """

    compare_attrs = ("logHorizon", "build_data_horizon", "hour", "schedule")

    def __init__(
        self,
        logHorizon: timedelta | None = None,
        hour: Any = 0,
        build_data_horizon: timedelta | None = None,
        **kwargs: Any,
    ) -> None:
        self.logHorizon = logHorizon
        self.build_data_horizon = build_data_horizon
        self.hour = hour
        known = arguments_of(Nightly) - _OURS
        self.schedule = {name: value for name, value in kwargs.items() if name in known}
        for name in kwargs:
            if name not in known:
                error(no_argument("JanitorConfigurator", name, (*known, *_HORIZONS)))
        for name, horizon in zip(_HORIZONS, (logHorizon, build_data_horizon), strict=True):
            if horizon is not None and not isinstance(horizon, timedelta):
                error(
                    f"JanitorConfigurator: {name} must be a datetime.timedelta, not {horizon!r}; "
                    "write timedelta(weeks=4)"
                )
            elif horizon is not None and horizon < timedelta():
                error(f"JanitorConfigurator: {name} must not be negative, but is {horizon}")

    def configure(self, config_dict: dict[str, Any]) -> None:
        """Add the builder, its worker and its schedulers; nothing where no horizon is set."""
        steps: list[BuildStep] = []
        if isinstance(self.logHorizon, timedelta):
            steps.append(LogChunksJanitor(logHorizon=self.logHorizon))
        if isinstance(self.build_data_horizon, timedelta):
            steps.append(BuildDataJanitor(build_data_horizon=self.build_data_horizon))
        if not steps:
            return
        super().configure(config_dict)
        names = [JANITOR_NAME]
        self.schedulers.append(
            Nightly(name=JANITOR_NAME, builderNames=names, hour=self.hour, **self.schedule)
        )
        self.schedulers.append(ForceScheduler(name=f"{JANITOR_NAME}_force", builderNames=names))
        self.builders.append(
            BuilderConfig(name=JANITOR_NAME, workernames=names, factory=BuildFactory(steps))
        )
        self.workers.append(LocalWorker(JANITOR_NAME))


def _logs(count: int, size: int) -> str:
    logs = "1 log" if count == 1 else f"{count} logs"
    amount, unit = float(size), 0
    while amount >= 1000 and unit < len(_UNITS) - 1:
        amount, unit = amount / 1000, unit + 1
    shown = f"{amount:.1f}" if unit and amount < 100 else f"{amount:.0f}"
    return f"{logs} ({shown} {_UNITS[unit]} of text)" if count else logs
