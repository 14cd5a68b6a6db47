"""A user's class in front of the engine's scheduler: only what it overrides is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from buildbot._border.bridge import answered, answered_within
from buildbot._border.stopping import STOP_SECONDS
from buildbot.process.properties import Properties
from buildbot.schedulers import wiring
from chargehand.domain.buildset import SubmittedBuildset
from chargehand.domain.change import Change
from chargehand.domain.identifiers import ChangeId, Timestamp
from chargehand.scheduling.behaviour import Behaviour, Parts
from chargehand.scheduling.buildsets import Buildsets, SchedulerBuildsets
from chargehand.scheduling.rules import GivenStamp
from chargehand.scheduling.submitting import BuildsetOptions, Stamp
from chargehand.scheduling.timed import Actions

_FOR_CHANGES = "addBuildsetForChanges"
_WITH_DEFAULTS = "addBuildsetForSourceStampsWithDefaults"
_FOR_STAMPS = "addBuildsetForSourceStamps"


def is_overridden(scheduler: object, name: str) -> bool:
    """Return whether a class of the user's defines the method, and not one of ours."""
    for kind in type(scheduler).__mro__:
        if name in kind.__dict__:
            return not kind.__module__.startswith("buildbot.schedulers.")
    return False


class UsersScheduler:
    """A user's scheduler: `chargehand.scheduling.behaviour.Extension`."""

    def __init__(self, scheduler: Any) -> None:
        self._scheduler = scheduler

    def buildsets(self, default: SchedulerBuildsets) -> Buildsets:
        """Return what submits the scheduler's buildsets."""
        self._scheduler._default_buildsets = default
        names = (_FOR_CHANGES, _WITH_DEFAULTS, _FOR_STAMPS)
        if any(is_overridden(self._scheduler, name) for name in names):
            return _UsersBuildsets(self._scheduler, default)
        return default

    def behaviour(self, default: Behaviour, parts: Parts) -> Behaviour:
        """Return what the scheduler does."""
        self._scheduler._default = default
        self._scheduler._parts = parts
        master = self._scheduler.master
        if master is not None:
            master.scheduler_manager.namedServices[self._scheduler.name] = self._scheduler
        names = ("activate", "deactivate", "gotChange", "startService", "stopService")
        if any(is_overridden(self._scheduler, name) for name in names):
            return _UsersBehaviour(self._scheduler, default)
        return default


class _UsersBuildsets:
    """Asks what the user's class overrides; that answers as it likes, so that nothing is known of
    the buildset."""

    def __init__(self, scheduler: Any, default: SchedulerBuildsets) -> None:
        self._scheduler = scheduler
        self._default = default

    async def for_changes(
        self,
        options: BuildsetOptions,
        changes: Sequence[Change],
        *,
        settled: Sequence[ChangeId] = (),
    ) -> SubmittedBuildset | None:
        """Submit a buildset for *changes*; the *settled* ones stop waiting afterwards."""
        submitted = None
        if is_overridden(self._scheduler, _FOR_CHANGES):
            numbers = [int(change.id) for change in changes]
            method = self._scheduler.addBuildsetForChanges
            await answered(_FOR_CHANGES, method, changeids=numbers, **_keywords(options))
        elif is_overridden(self._scheduler, _FOR_STAMPS):
            submitted = await self.for_stamps(options, self._default.stamps_of(changes), changes)
        else:
            return await self._default.for_changes(options, changes, settled=settled)
        await self._default.settle(settled)
        return submitted

    async def for_stamps_with_defaults(
        self, options: BuildsetOptions, given: Sequence[GivenStamp]
    ) -> SubmittedBuildset | None:
        """Submit a buildset with what *given* says of codebases, and defaults for the rest."""
        if not is_overridden(self._scheduler, _WITH_DEFAULTS):
            return await self.for_stamps(options, self._default.stamps_with_defaults(given))
        keywords = _keywords(options)
        await answered(
            _WITH_DEFAULTS,
            self._scheduler.addBuildsetForSourceStampsWithDefaults,
            keywords.pop("reason"),
            list(map(dict, given)),
            **keywords,
        )
        return None

    async def for_stamps(
        self, options: BuildsetOptions, stamps: Sequence[Stamp], changes: Sequence[Change] = ()
    ) -> SubmittedBuildset | None:
        """Submit a buildset with exactly these source stamps."""
        if not is_overridden(self._scheduler, _FOR_STAMPS):
            return await self._default.for_stamps(options, stamps, changes)
        await answered(
            _FOR_STAMPS,
            self._scheduler.addBuildsetForSourceStamps,
            sourcestamps=wiring.stamps_for_users(stamps),
            **_keywords(options),
        )
        return None


class _UsersBehaviour:
    """Calls the methods that the user's class overrides."""

    def __init__(self, scheduler: Any, default: Behaviour) -> None:
        self._scheduler = scheduler
        self._default = default

    async def activate(self) -> None:
        """Begin to work."""
        if is_overridden(self._scheduler, "startService"):
            await answered("startService", self._scheduler.startService)
        if is_overridden(self._scheduler, "activate"):
            await answered("activate", self._scheduler.activate)
        else:
            await self._default.activate()

    async def deactivate(self) -> None:
        """Stop."""
        if is_overridden(self._scheduler, "deactivate"):
            await answered_within(STOP_SECONDS, "deactivate", self._scheduler.deactivate)
        else:
            await self._default.deactivate()
        if is_overridden(self._scheduler, "stopService"):
            await answered_within(STOP_SECONDS, "stopService", self._scheduler.stopService)

    async def got_change(self, change: Change, important: bool) -> None:
        """React to a change that passed the filter."""
        if is_overridden(self._scheduler, "gotChange"):
            await answered(
                "gotChange", self._scheduler.gotChange, wiring.SchedulerChange(change), important
            )
        else:
            await self._default.got_change(change, important)


class UsersActions:
    """Calls what the user's class overrides of what is done at certain times."""

    def __init__(self, scheduler: Any, default: Actions) -> None:
        self._scheduler = scheduler
        self._default = default

    async def next_time(self, last: Timestamp | None) -> Timestamp:
        """Return when to build next."""
        if is_overridden(self._scheduler, "getNextBuildTime"):
            return float(await answered("getNextBuildTime", self._scheduler.getNextBuildTime, last))
        return await self._default.next_time(last)

    async def start_build(self) -> None:
        """Build, if there is something to build."""
        if is_overridden(self._scheduler, "startBuild"):
            await answered("startBuild", self._scheduler.startBuild)
        else:
            await self._default.start_build()


def _keywords(options: BuildsetOptions) -> dict[str, Any]:
    """Return what a buildset has of its own, under Buildbot's names."""
    found: dict[str, Any] = {"reason": options.reason}
    if options.properties:
        found["properties"] = Properties.fromDict(options.properties)
    optional: Mapping[str, Any] = {
        "builderNames": None if options.builder_names is None else list(options.builder_names),
        "priority": options.priority,
        "external_idstring": options.external_id,
        "waited_for": options.waited_for or None,
        "parent_buildid": options.parent_build_id,
        "parent_relationship": options.parent_relationship,
    }
    return found | {name: value for name, value in optional.items() if value is not None}
