"""For tests of schedulers."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from twisted.internet import defer
from twisted.internet.task import Clock

from buildbot._border.bridge import has_loop, install, inward, settled
from buildbot.process.properties import Properties
from buildbot.schedulers.wiring import SchedulerChange, stamps_for_users
from buildbot.test.fake_master import FakeMaster
from chargehand.domain.change import NewChange
from chargehand.testing.scheduling import SchedulingInMemory

__all__ = ["SchedulerMixin"]

_SUBMITTING = (
    "addBuildsetForChanges",
    "addBuildsetForSourceStamps",
    "addBuildsetForSourceStampsWithDefaults",
)
_BEGINS = 1_767_225_600.0
"""The first of January 2026: when every test begins."""


class SchedulerClock(Clock):
    """A clock whose seconds also pass for the schedulers of the test."""

    def __init__(self, pass_time: Callable[[float], None]) -> None:
        super().__init__()
        self.rightNow = _BEGINS
        self._pass_time = pass_time

    def advance(self, amount: float) -> None:
        """Let time go on."""
        self._pass_time(amount)
        super().advance(amount)


class SchedulerMixin:
    """For test cases without an asyncio loop: the engine's scheduling, with stores in memory.

    A test attaches schedulers, lets changes arrive (`add_change`) and time pass
    (``self.reactor.advance(seconds)``), and looks at ``self.buildsets``.
    """

    master: Any = None
    sched: Any = None
    reactor: Any
    _scheduling: SchedulingInMemory | None = None
    _attached: list[Any]

    def setUpScheduler(self, *_: Any, **__: Any) -> Any:
        """Make the master; call it in ``setUp``."""
        self.reactor = self.clock = SchedulerClock(self._advance)
        self.master = FakeMaster(self.reactor)
        self._attached = []
        self.addBuildsetCalls: list[tuple[str, dict[str, Any]]] = []
        self._clean_up_after(self.tearDownScheduler)
        return settled(None)

    def tearDownScheduler(self) -> Any:
        """Stop the schedulers."""
        if self._scheduling is not None:
            scheduling, self._scheduling = self._scheduling, None
            scheduling.stop()
            scheduling.close()
        return settled(None)

    setup_scheduler = setUpScheduler
    tear_down_scheduler = tearDownScheduler

    def attachScheduler(
        self,
        scheduler: Any,
        objectid: int | None = None,
        schedulerid: int | None = None,
        overrideBuildsetMethods: bool = False,
        **_: Any,
    ) -> Any:
        """Let a scheduler belong to the master, and return it (``yield`` gives it, too).

        With *overrideBuildsetMethods* nothing is submitted: ``addBuildsetCalls`` has what would
        have been, as pairs of method and arguments. The schedulers begin to work with the first
        call of one of their methods, change, or second that passes.
        """
        if self.master is None:
            self.setUpScheduler()
        if self._scheduling is not None:
            raise RuntimeError("attach all schedulers before the first change arrives")
        scheduler.master = self.master
        if overrideBuildsetMethods:
            self._record_buildsets(scheduler)
        for name in (*_SUBMITTING, "gotChange", "getState", "setState"):
            setattr(scheduler, name, self._run_by(getattr(scheduler, name)))
        self._call_engine(scheduler)
        self._attached.append(scheduler)
        self.sched = scheduler
        return scheduler

    def makeFakeChange(self, **kwargs: Any) -> Any:
        """Return a change for `gotChange` or ``fileIsImportant``; no scheduler gets it."""
        return SchedulerChange(self._running().changes.keep(_new_change(kwargs)))

    def add_change(self, **kwargs: Any) -> Any:
        """Let a change arrive that all schedulers may want, and return it."""
        return SchedulerChange(self._running().add(_new_change(kwargs)))

    @property
    def buildsets(self) -> list[dict[str, Any]]:
        """What was submitted, oldest first: each with ``builderNames``, ``sourcestamps`` …."""
        scheduling = self._running()
        names = self._builder_names()
        return [
            {
                "scheduler": one.scheduler,
                "reason": one.reason,
                "builderNames": [names[number - 1] for number in one.builder_ids],
                "sourcestamps": stamps_for_users(scheduling.buildsets.stamps_of(one)),
                "properties": dict(one.properties),
                "external_idstring": one.external_id,
                "waited_for": one.waited_for,
                "priority": one.priority,
                "parent_buildid": one.parent_build_id,
                "parent_relationship": one.parent_relationship,
            }
            for one in scheduling.buildsets.submitted
        ]

    def _builder_names(self) -> list[str]:
        names: dict[str, None] = {}
        for one in self._attached:
            if isinstance(one.builderNames, list | tuple):
                names.update(dict.fromkeys(map(str, one.builderNames)))
        return list(names)

    def _running(self) -> SchedulingInMemory:
        if has_loop():
            raise RuntimeError(
                "SchedulerMixin runs its own loop: write the test as a plain function, or "
                "with inlineCallbacks, not with async def"
            )
        if self.master is None:
            self.setUpScheduler()
        if self._scheduling is None:
            begins = self.reactor.seconds()
            self._scheduling = SchedulingInMemory(self._builder_names(), begins=begins)
            install(self._scheduling.loop)
            self._scheduling.start([one._as_component() for one in self._attached])
        return self._scheduling

    def _advance(self, seconds: float) -> None:
        self._running().advance(seconds)

    def _run_by(self, method: Callable[..., Any]) -> Callable[..., Any]:
        """Return a method that the test may call while no loop runs."""

        def call(*args: Any, **kwargs: Any) -> Any:
            if has_loop():
                return method(*args, **kwargs)
            return defer.execute(self._running().run, inward(method, *args, **kwargs))

        return call

    def _call_engine(self, scheduler: Any) -> None:
        """Let the test start and stop the scheduling by the scheduler's own methods."""
        activate, deactivate = scheduler.activate, scheduler.deactivate

        def begin(*args: Any, **kwargs: Any) -> Any:
            return activate(*args, **kwargs) if has_loop() else defer.execute(self._running)

        def end(*args: Any, **kwargs: Any) -> Any:
            return deactivate(*args, **kwargs) if has_loop() else self.tearDownScheduler()

        scheduler.activate, scheduler.deactivate = begin, end

    def _record_buildsets(self, scheduler: Any) -> None:
        """Give the scheduler a class that overrides what submits buildsets."""
        kind = type(scheduler)
        recording = {name: self._recording(kind, name) for name in _SUBMITTING}
        scheduler.__class__ = type(kind.__name__, (kind,), recording)

    def _recording(self, kind: Any, name: str) -> Callable[..., Any]:
        signature = inspect.signature(getattr(kind, name))
        calls = self.addBuildsetCalls

        def record(scheduler: Any, *args: Any, **kwargs: Any) -> Any:
            bound = signature.bind(scheduler, *args, **kwargs)
            bound.apply_defaults()
            given = dict(list(bound.arguments.items())[1:])
            given |= given.pop("kw", {})
            calls.append((name, given))
            numbers = {name: number for number, name in enumerate(scheduler.builderNames, 400)}
            return settled((500, numbers))

        return record

    def _clean_up_after(self, function: Callable[[], Any]) -> None:
        add = getattr(self, "addCleanup", None)
        if add is not None:
            add(function)


def _new_change(given: Mapping[str, Any]) -> NewChange:
    """Return a change of the arguments that ``addChange`` and changes of old versions have."""
    renamed = {"who": "author", "when_timestamp": "when"}
    found = {renamed.get(name, name): value for name, value in given.items()}
    properties = Properties()
    said = found.pop("properties", None)
    if isinstance(said, Properties):
        properties.updateFromProperties(said)
    elif said:
        for name, value in said.items():
            pair = value if isinstance(value, tuple) and len(value) == 2 else (value, "Change")
            properties.setProperty(name, *pair)
    for name in ("changeid", "number", "sourcestampid", "parent_changeids"):
        found.pop(name, None)
    return NewChange(
        author=found.pop("author", None) or "somebody",
        files=tuple(found.pop("files", None) or ()),
        properties=properties.properties,
        **{name: value for name, value in found.items() if value is not None},
    )
