"""The kit with which authors test schedulers: the engine's own scheduling, in a loop of its own."""

from __future__ import annotations

import unittest
from typing import Any

import pytest
from twisted.internet import defer

from buildbot.plugins import schedulers, util
from buildbot.test.util.scheduler import SchedulerMixin


class Counting(schedulers.BaseScheduler):
    """Builds every second change."""

    @defer.inlineCallbacks
    def activate(self) -> Any:
        yield super().activate()
        yield self.startConsumingChanges()

    async def gotChange(self, change: Any, important: bool) -> None:
        count = await self.getState("count", 0) + 1
        await self.setState("count", count)
        if count % 2 == 0:
            await self.addBuildsetForChanges(
                reason=f"{count} changes", changeids=[change.number], properties={"count": count}
            )


class Case(SchedulerMixin, unittest.TestCase):
    """What an author's test case has; each test below runs one with its own body."""

    __test__ = False

    def runTest(self) -> None:
        """Do nothing."""


@pytest.fixture
def case() -> Any:
    made = Case()
    made.setUpScheduler()
    yield made
    made.doCleanups()


def test_a_scheduler_builds_changes_that_arrive(case: Any) -> None:
    sched = case.attachScheduler(Counting("mine", ["a", "b"]))

    case.add_change(branch="main", revision="1")
    assert case.buildsets == []
    case.add_change(branch="main", revision="2", repository="r", who="ann")

    [one] = case.buildsets
    assert one["builderNames"] == ["a", "b"]
    assert one["reason"] == "2 changes"
    [stamp] = one["sourcestamps"]
    assert (stamp["revision"], stamp["repository"]) == ("2", "r")
    assert one["properties"]["count"] == (2, "Scheduler")
    states: list[Any] = []
    sched.getState("count").addCallback(states.append)
    assert states == [2]


def test_its_methods_can_be_called_and_what_it_submits_recorded(case: Any) -> None:
    sched = case.attachScheduler(Counting("mine", ["a"]), 3, 4, overrideBuildsetMethods=True)
    change = case.makeFakeChange(revision="1", properties={"p": 1})

    sched.gotChange(change, True)
    assert case.addBuildsetCalls == []
    sched.gotChange(change, True)

    [(name, arguments)] = case.addBuildsetCalls
    assert name == "addBuildsetForChanges"
    assert arguments["changeids"] == [change.number]
    assert arguments["waited_for"] is False
    assert arguments["reason"] == "2 changes"
    assert case.buildsets == []


def test_timers_fire_when_the_tests_clock_goes_on(case: Any) -> None:
    made = schedulers.SingleBranchScheduler(
        name="stable",
        builderNames=["a"],
        treeStableTimer=60,
        change_filter=util.ChangeFilter(branch="main"),
    )
    case.attachScheduler(made)
    case.add_change(branch="other", revision="x")
    case.add_change(branch="main", revision="1")
    case.reactor.advance(59)
    case.add_change(branch="main", revision="2")
    case.reactor.advance(59)
    assert case.buildsets == []

    case.reactor.advance(2)

    [one] = case.buildsets
    assert [stamp["revision"] for stamp in one["sourcestamps"]] == ["2"]


def test_a_nightly_scheduler_builds_at_its_time(case: Any) -> None:
    case.attachScheduler(schedulers.Nightly(name="nightly", builderNames=["a"], hour=3))

    case.reactor.advance(3 * 24 * 3600)

    assert [one["scheduler"] for one in case.buildsets] == ["nightly"] * 3


def test_deactivating_stops_it_and_errors_reach_the_test(case: Any) -> None:
    class Fails(schedulers.BaseScheduler):
        def gotChange(self, change: Any, important: bool) -> None:
            raise ValueError("no")

    failed = case.attachScheduler(Fails("fails", ["a"]))
    failures: list[Any] = []
    failed.gotChange(case.makeFakeChange(), True).addErrback(failures.append)
    assert failures[0].check(ValueError)
    failed.deactivate()


async def test_in_a_running_loop_it_says_how_to_write_the_test(case: Any) -> None:
    case.attachScheduler(Counting("mine", ["a"]))

    with pytest.raises(RuntimeError, match="plain function"):
        case.add_change()
