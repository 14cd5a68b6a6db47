"""Schedulers that build at certain times."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, ClassVar

from buildbot._border.arguments import own_arguments
from buildbot._border.bridge import outward, settled
from buildbot._border.numbers import MORE_SECONDS, check_number
from buildbot.config import error
from buildbot.process.results import SUCCESS
from buildbot.schedulers import wiring
from buildbot.schedulers.arguments import Arguments, check_change_arguments, named
from buildbot.schedulers.base import ReconfigurableBaseScheduler
from buildbot.schedulers.overriding import UsersActions, is_overridden
from buildbot.schedulers.triggerable import triggered_properties
from buildbot.util import NotABranch
from chargehand.domain.change import Change
from chargehand.scheduling import nightly, nightly_triggerable, periodic
from chargehand.scheduling.change_feed import Filter
from chargehand.scheduling.errors import SchedulerDisabled
from chargehand.scheduling.nightly_triggerable import LastTrigger
from chargehand.scheduling.time_table import TimeTable, TimeTableError
from chargehand.scheduling.timed import Actions

__all__ = ["Nightly", "NightlyBase", "NightlyTriggerable", "Periodic", "Timed"]

_REASON = "The %s scheduler named '%%(name)s' triggered this build"


class NoBranch:
    """Stands for any branch."""


@dataclass(slots=True, kw_only=True)
class TimedArguments(Arguments):
    """Arguments of everything that builds at certain times."""

    reason: Any = ""
    createAbsoluteSourceStamps: bool = False
    onlyIfChanged: bool = False
    branch: Any = NoBranch
    change_filter: Any = None
    fileIsImportant: Any = None
    onlyImportant: bool = False


@dataclass(slots=True, kw_only=True)
class TimeTableArguments(Arguments):
    """When something is due, and when it is due even though nothing changed."""

    minute: Any = 0
    hour: Any = "*"
    dayOfMonth: Any = "*"
    month: Any = "*"
    dayOfWeek: Any = "*"
    force_at_minute: Any = None
    force_at_hour: Any = None
    force_at_day_of_month: Any = None
    force_at_month: Any = None
    force_at_day_of_week: Any = None

    def table(self) -> TimeTable:
        """Return when something is due."""
        return TimeTable(
            minute=self.minute,
            hour=self.hour,
            day_of_month=self.dayOfMonth,
            month=self.month,
            day_of_week=self.dayOfWeek,
        )

    def forced(self) -> TimeTable | None:
        """Return when it is due without any change, None if never; what is not said is any."""
        minute = self.force_at_minute
        others = (
            self.force_at_hour,
            self.force_at_day_of_month,
            self.force_at_month,
            self.force_at_day_of_week,
        )
        if minute is None and all(value is None for value in others):
            return None
        hour, day_of_month, month, day_of_week = (
            "*" if value is None else value for value in others
        )
        return TimeTable(
            minute=0 if minute is None else minute,
            hour=hour,
            day_of_month=day_of_month,
            month=month,
            day_of_week=day_of_week,
        )


class Timed(ReconfigurableBaseScheduler):
    """Builds at certain times; subclasses say in `getNextBuildTime` when.

    Args:
        reason (str): Reason of the builds; may contain `%(name)s` and `%(classname)s`.
        createAbsoluteSourceStamps (bool): For codebases without a change, build the last known
            revision, not the newest.
        onlyIfChanged (bool): Build only if there was an important change since the last time.
        branch (str | None, default any): Branch to build, and whose changes count; None is the
            default branch.
        change_filter (Any): util.ChangeFilter that says which changes count.
        fileIsImportant (Callable[[Any], Any] | None): function(change) that returns whether a
            change is important.
        onlyImportant (bool): Ignore changes that are not important.
    """

    compare_attrs: ClassVar[tuple[str, ...]] = (
        "reason",
        "createAbsoluteSourceStamps",
        "onlyIfChanged",
        "branch",
        "fileIsImportant",
        "change_filter",
        "onlyImportant",
    )
    reason = ""
    _always_waits_for = "its time"
    _default_actions: Actions

    NoBranch = NoBranch
    onlyIfChanged: bool
    onlyImportant: bool
    branch: Any
    change_filter: Any
    fileIsImportant: Any

    _positions: ClassVar[tuple[str, ...]] = ()
    """Arguments that older releases take by position after these two."""

    def __init__(self, name: Any, builderNames: Any, *by_position: Any, **kwargs: Any) -> None:
        older = named(type(self).__name__, self._positions, by_position)
        super().__init__(name=name, builderNames=builderNames, **older, **kwargs)

    @own_arguments
    def checkConfig(self, builderNames: Any, **kwargs: Any) -> Any:
        """Say what is wrong with the arguments."""
        arguments = TimedArguments.taken_from(kwargs)
        check_change_arguments(
            self._what,
            is_important=arguments.fileIsImportant,
            change_filter=arguments.change_filter,
        )
        return super().checkConfig(builderNames, **kwargs)

    @own_arguments
    def reconfigService(self, builderNames: Any, **kwargs: Any) -> Any:
        """Take the arguments."""
        arguments = TimedArguments.taken_from(kwargs)
        super().reconfigService(builderNames, **kwargs)
        arguments.give_to(self)
        self.reason = arguments.reason % {"name": self.name, "classname": type(self).__name__}
        return settled(None)

    def startBuild(self) -> Any:
        """Build now, unless only changes are built and there was no important one."""
        return outward(self._running_actions().start_build())

    def getNextBuildTime(self, lastActuation: Any) -> Any:
        """Return a Deferred of when to build next, in seconds since 1970."""
        return outward(self._running_actions().next_time(lastActuation))

    def _running_actions(self) -> Actions:
        self._running()
        return self._default_actions

    def _actions(self, default: Actions) -> Actions:
        self._default_actions = default
        names = ("getNextBuildTime", "startBuild")
        if any(is_overridden(self, name) for name in names):
            return UsersActions(self, default)
        return default

    def _timed(self) -> dict[str, Any]:
        self._waits_for = "its time, and changes" if self.onlyIfChanged else self._always_waits_for
        return {
            "common": self._common(),
            "reason": self.reason,
            "only_if_changed": bool(self.onlyIfChanged),
            "wanted": self._wanted(),
            "is_important": wiring.importance_hook(self.fileIsImportant, self),
            "only_important": bool(self.onlyImportant),
            "actions": self._actions,
        }

    def _wanted(self) -> Filter | None:
        given = wiring.change_filter_of(self.change_filter, self)
        if self.branch is NoBranch or self.branch is NotABranch:
            return given
        return _both(wiring.conditions(branch=self.branch), given)


class Periodic(Timed):
    """Builds every ``periodicBuildTimer`` seconds, and at once when it is new.

    Args:
        periodicBuildTimer (float, seconds): Time from one build to the next.
    """

    compare_attrs = ("periodicBuildTimer",)
    _positions = ("periodicBuildTimer", "reason")

    @own_arguments
    def checkConfig(self, builderNames: Any, periodicBuildTimer: Any, **kwargs: Any) -> Any:
        """Say what is wrong with the arguments."""
        check_number(self._what, "periodicBuildTimer", periodicBuildTimer, MORE_SECONDS)
        return super().checkConfig(builderNames, **kwargs)

    @own_arguments
    def reconfigService(
        self,
        builderNames: Any,
        periodicBuildTimer: Any,
        reason: Any = _REASON % "Periodic",
        **kwargs: Any,
    ) -> Any:
        """Take the arguments."""
        self.periodicBuildTimer = periodicBuildTimer
        return super().reconfigService(builderNames, reason=reason, **kwargs)

    def _settings(self) -> Any:
        return periodic.Settings(seconds=self.periodicBuildTimer, **self._timed())


class NightlyBase(Timed):
    """Has a time table: numbers, lists, or expressions as in crontab(5); Monday is day 0.

    Args:
        minute (int | str | list[int]): Minutes at which to build: numbers, a list, or an expression
            as in crontab(5).
        hour (int | str | list[int]): Hours at which to build.
        dayOfMonth (int | str | list[int]): Days of the month on which to build.
        month (int | str | list[int]): Months in which to build.
        dayOfWeek (int | str | list[int]): Days of the week on which to build; Monday is 0.
        force_at_minute (int | str | list[int] | None): With onlyIfChanged: minutes at which to
            build even without a change.
        force_at_hour (int | str | list[int] | None): Hours at which to build even without a change.
        force_at_day_of_month (int | str | list[int] | None): Days of the month on which to build
            even without a change.
        force_at_month (int | str | list[int] | None): Months in which to build even without a
            change.
        force_at_day_of_week (int | str | list[int] | None): Days of the week on which to build even
            without a change.
    """

    compare_attrs = tuple(field.name for field in fields(TimeTableArguments))
    _positions = ("minute", "hour", "dayOfMonth", "month", "dayOfWeek")
    _times: TimeTableArguments

    @own_arguments
    def checkConfig(self, builderNames: Any, **kwargs: Any) -> Any:
        """Say what is wrong with the arguments."""
        times = TimeTableArguments.taken_from(kwargs)
        self._check_table(times.table())
        forced = times.forced()
        if forced is not None:
            self._check_table(forced, "force_at_")
        return super().checkConfig(builderNames, **kwargs)

    @own_arguments
    def reconfigService(self, builderNames: Any, **kwargs: Any) -> Any:
        """Take the arguments."""
        self._times = TimeTableArguments.taken_from(kwargs)
        self._times.give_to(self)
        return super().reconfigService(builderNames, **kwargs)

    def _check_table(self, table: TimeTable, prefix: str = "") -> None:
        try:
            table.check(prefix)
        except (TimeTableError, TypeError, ValueError) as wrong:
            error(f"{self._what}: {wrong}")

    def _settings(self) -> Any:
        table, forced = self._times.table(), self._times.forced()
        return nightly.Settings(table=table, forced=forced, **self._timed())


class Nightly(NightlyBase):
    """Builds by a time table."""

    def reconfigService(self, *args: Any, reason: Any = _REASON % "Nightly", **kwargs: Any) -> Any:
        """Take the arguments."""
        return super().reconfigService(*args, reason=reason, **kwargs)


class NightlyTriggerable(NightlyBase):
    """Builds by a time table what a ``Trigger`` step named it with last, if one did since its last
    build. Such a step does not wait for these builds."""

    _always_waits_for = "its time, and a trigger"
    reason: Any = ""

    def reconfigService(
        self, *args: Any, reason: Any = _REASON % "NightlyTriggerable", **kwargs: Any
    ) -> Any:
        """Take the arguments."""
        return super().reconfigService(*args, reason=reason, **kwargs)

    def trigger(
        self,
        waited_for: bool,
        sourcestamps: Any = None,
        set_props: Any = None,
        parent_buildid: int | None = None,
        parent_relationship: str | None = None,
    ) -> tuple[Any, Any]:
        """Note what to build next; returns Deferreds like `Triggerable.trigger`, which fire when it
        is stored: of no buildset, and of SUCCESS."""
        trigger = LastTrigger.with_stamps(
            sourcestamps or [],
            properties=triggered_properties(self.properties, set_props).asDict(),
            parent_build_id=parent_buildid,
            parent_relationship=parent_relationship,
        )
        noted = asyncio.get_running_loop().create_task(self._note(trigger))
        return outward(_after(noted, (None, {}))), outward(_after(noted, (SUCCESS, {})))

    async def _note(self, trigger: LastTrigger) -> None:
        if not self.enabled:
            raise SchedulerDisabled(self.name)
        kind = self._behaviour()
        assert isinstance(kind, nightly_triggerable.NightlyTriggerable)
        await kind.trigger(trigger)

    def _settings(self) -> Any:
        table, forced = self._times.table(), self._times.forced()
        return nightly_triggerable.Settings(table=table, forced=forced, **self._timed())


async def _after(noted: asyncio.Task[None], value: Any) -> Any:
    await asyncio.shield(noted)
    return value


def _both(one: Filter, other: Filter | None) -> Filter:
    if other is None:
        return one
    second: Callable[[Change], Any] = other

    def passes(change: Change) -> bool:
        return bool(one(change)) and bool(second(change))

    return passes
