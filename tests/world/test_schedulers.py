"""What schedulers must not forget: a crash loses nothing, and repeats nothing."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest
from written import started, written

from chargehand.domain.change import NewChange
from chargehand.domain.result import Result
from chargehand.events.messages import BuildsetSubmitted
from chargehand.store.store import Store
from chargehand.testing.world import Refused, World

_ONE = """
    add('one', sh('true'))
    add('two', sh('true'))
    c['schedulers'] = [schedulers.SingleBranchScheduler(
        name='s', builderNames=['one', 'two'], change_filter=util.ChangeFilter(branch='main'),
        treeStableTimer=SECONDS)]
    """
_WITHOUT = """
    add('one', sh('true'))
    add('two', sh('true'))
    """


def _on_main(seconds: float | None) -> str:
    return _ONE.replace("SECONDS", str(seconds))


async def _revisions(ci: World) -> list[object]:
    """Return the revision of each buildset, oldest first."""
    found: list[object] = []
    for row in await ci.get("buildsets?order=bsid"):
        stamps = row["sourcestamps"]
        assert isinstance(stamps, list)
        (stamp,) = stamps
        assert isinstance(stamp, dict)
        found.append(stamp["revision"])
    return found


async def test_what_waited_for_the_timer_is_built_after_a_crash() -> None:
    async with started(_on_main(3600)) as ci:
        await ci.push(revision="1")
        await ci.push(revision="2")
        await ci.crash()

        await ci.start()
        await ci.sleep(3599)
        before = await _revisions(ci)
        await ci.sleep(2)

        assert (before, await _revisions(ci)) == ([], ["2"])


async def test_what_came_in_the_meantime_is_built_once() -> None:
    async with started(_on_main(None)) as ci:
        await ci.push(revision="1")
        await ci.crash()

        await _arrive_without_a_master(ci.path, ("2", "main"), ("3", "other"))
        await ci.start()
        await ci.push(revision="4")

        assert await _revisions(ci) == ["1", "2", "4"]


async def _arrive_without_a_master(basedir: Path, *changes: tuple[str, str]) -> None:
    """Store changes as another master would that has no schedulers."""
    store = Store(url="sqlite:///state.sqlite", basedir=basedir, publish=lambda _: None)
    await store.open()
    for revision, branch in changes:
        await store.changes.add([NewChange(author="me", revision=revision, branch=branch)])
    await store.close()


async def test_a_scheduler_that_was_taken_away_for_a_while_begins_anew() -> None:
    async with started(_on_main(None)) as ci:
        await ci.push(revision="1")
        await ci.restart(written(_WITHOUT))
        await ci.push(revision="2")

        await ci.restart(written(_on_main(None)))
        await ci.push(revision="3")

        assert await _revisions(ci) == ["1", "3"]


async def test_a_forced_build_answers_with_its_numbers() -> None:
    async with started(_WITHOUT) as ci:
        parameters = {"branch": "b", "owner": "me"}

        answer = await ci.order("forceschedulers/force", "force", **parameters)

        assert isinstance(answer, list)
        buildset, requests = answer
        assert isinstance(requests, dict)
        assert buildset == 1
        assert len(requests) == 2
        assert await _revisions(ci) == [""]


_TIMED = """
    add('one', sh('true'))
    c['schedulers'] = [schedulers.TIMED]
    """
_PERIODIC = _TIMED.replace(
    "TIMED", "Periodic(name='s', builderNames=['one'], periodicBuildTimer=3600)"
)
_HOURLY = _TIMED.replace("TIMED", "Nightly(name='s', builderNames=['one'], minute=0)")
_JUMPS = [-315_360_000.0, 1800.0]


async def _count(ci: World) -> int:
    return len(await ci.get("buildsets"))


@pytest.mark.parametrize("jump", _JUMPS)
async def test_a_period_is_as_long_whatever_the_clock_is_set_to(jump: float) -> None:
    async with started(_PERIODIC) as ci:
        await ci.sleep(1800)
        assert await _count(ci) == 1

        ci.set_clock(jump)
        await ci.sleep(1700)
        assert await _count(ci) == 1
        await ci.sleep(800)  # It looks at the clock every 600 s.
        assert await _count(ci) == 2
        ci.set_clock(-jump)
        await ci.sleep(3600)
        assert await _count(ci) == 3


@pytest.mark.parametrize("jump", _JUMPS)
async def test_times_of_day_are_those_of_the_clock_as_it_is_set(jump: float) -> None:
    async with started(_HOURLY) as ci:
        await ci.sleep(3 * 3600)
        counts = [await _count(ci)]
        for by in (jump, -jump):
            ci.set_clock(by)
            await ci.sleep(3 * 3600)
            counts.append(await _count(ci))

        # One more where the clock goes past a time, one less where it comes back to one.
        assert all(2 <= later - former <= 4 for former, later in pairwise(counts))


async def test_a_scheduler_says_what_it_is_and_when_it_is_due() -> None:
    async with started(_PERIODIC) as ci:
        await ci.sleep(1800)
        shown = await ci.one("schedulers/2")
        await ci.sleep(3600)
        later = await ci.one("schedulers/2")
        await ci.order("schedulers/2", "enable", enabled=False)
        off = await ci.one("schedulers/2")
        await ci.order("schedulers/2", "enable", enabled=True)
        await ci.settle()
        on = await ci.one("schedulers/2")

        assert (shown["type"], shown["waits_for"]) == ("Periodic", "its time")
        assert later["next_at"] - shown["next_at"] == 3600
        assert off["next_at"] is None
        assert on["next_at"] == later["next_at"]


async def test_schedulers_without_a_time_table_say_what_they_wait_for() -> None:
    async with started(_on_main(60)) as ci:
        shown = await ci.one("schedulers/2")

        assert (shown["type"], shown["waits_for"]) == ("SingleBranchScheduler", "changes")
        assert shown["next_at"] is None


@pytest.mark.parametrize("jump", _JUMPS)
async def test_a_tree_is_stable_after_as_long_whatever_the_clock_is_set_to(jump: float) -> None:
    async with started(_on_main(3600)) as ci:
        await ci.push(revision="1")
        await ci.sleep(1000)
        ci.set_clock(jump)
        await ci.sleep(2590)
        before = await _revisions(ci)
        await ci.sleep(20)

        assert (before, await _revisions(ci)) == ([], ["1"])


async def test_a_kill_after_a_timed_buildset_was_submitted_builds_nothing_twice() -> None:
    async with started(_PERIODIC) as ci:
        await ci.sleep(1800)
        killed: list[asyncio.Task[None]] = []
        ci.master.bus.subscribe(
            lambda _: killed.append(asyncio.ensure_future(ci.crash())), BuildsetSubmitted
        )
        await ci.sleep(1900)
        [crash] = killed
        await crash

        await ci.start()
        await ci.sleep(600)

        assert await _count(ci) == 2


async def test_a_master_whose_schedulers_another_one_runs_says_so() -> None:
    async with started("add('b', sh('true'))") as ci:
        await ci.restart()
        assert "another master runs" not in ci.log
        await ci.crash()
        with closing(sqlite3.connect(ci.path / "state.sqlite")) as database:
            # As in a copy of the database for another directory.
            database.execute("update masters set name = 'elsewhere'")
            database.commit()

        await ci.start()

        assert "another master runs force" in ci.log
        with pytest.raises(Refused, match="run by another master"):
            await ci.force("b")
        await ci.sleep(700)
        assert (await ci.build("b")).result is Result.SUCCESS
