"""Locks of builders and of steps together: no deadlock stays, and every wait is explained."""

from __future__ import annotations

import asyncio
import html

import pytest
from written import started

from chargehand.domain.result import Result
from chargehand.testing.world import Refused, World

_CROSSED = """
    a, b = util.MasterLock('A'), util.MasterLock('B')
    add('first', sh('begin'), sh('get B', name='get B', locks=[b.access('exclusive')]),
        locks=[a.access('exclusive')])
    add('second', sh('begin'), sh('get A', name='get A', locks=[a.access('exclusive')]),
        locks=[b.access('exclusive')])
    """


async def test_builds_that_wait_for_each_other_are_found_and_the_younger_is_retried() -> None:
    async with started(_CROSSED) as ci:
        ci.worker("local").on("begin", seconds=5)

        old, young = await ci.force("first"), await ci.force("second")
        await ci.until_idle(within=600)

        assert [build.result for build in ci.builds_of(old)] == [Result.SUCCESS]
        gave_way, again = ci.builds_of(young)
        assert (gave_way.result, again.result) == (Result.RETRY, Result.SUCCESS)
        assert "deadlock over locks A and B; giving way to an older request" in gave_way.state
        assert (
            "deadlock: second #1 waits for lock A, which first #1 holds; "
            "first #1 waits for lock B, which second #1 holds"
        ) in ci.log


async def test_a_step_is_not_kept_from_a_lock_by_who_waits_for_its_build() -> None:
    configuration = """
        a, b = util.MasterLock('A'), util.MasterLock('B')
        add('holds A', blocking('first'), sh('true', locks=[b.access('exclusive')]),
            locks=[a.access('exclusive')])
        add('wants both', sh('true'), locks=[a.access('exclusive'), b.access('exclusive')])
        """
    async with started(configuration) as ci:
        holder, waiter = await ci.force("holds A"), await ci.force("wants both")
        assert "lock A is held by holds A #1" in await ci.waits(waiter, "lock_held")

        ci.worker("local").let_go("first")
        await ci.until_idle(within=600)

        results = [ci.builds_of(request)[0].result for request in (holder, waiter)]
        assert results == [Result.SUCCESS] * 2


async def test_requests_keep_no_step_from_its_lock_while_no_more_builds_are_started() -> None:
    configuration = """
        lock = util.MasterLock('lock')
        add('has', blocking('one', locks=[lock.access('exclusive')]),
            blocking('two', locks=[lock.access('exclusive')]))
        add('waits', sh('true'), locks=[lock.access('exclusive')])
        """
    async with started(configuration) as ci:
        has, waits = await ci.force("has"), await ci.force("waits")
        await ci.waits(waits, "lock_held")

        finishing = asyncio.ensure_future(ci.master.finish_builds())
        await ci.settle()
        ci.worker("local").let_go("one")
        ci.worker("local").let_go("two")

        assert (await ci.finished(has, within=600)).result is Result.SUCCESS
        await asyncio.wait_for(finishing, 600)
        assert not ci.builds_of(waits)


async def test_a_step_that_wants_more_than_a_lock_allows_fails_at_once() -> None:
    configuration = """
        each = util.WorkerLock('each', maxCount=3, maxCountForWorker={'local': 2})
        add('step', sh('true', locks=[each.access('counting', count=3)]))
        add('whole', sh('true'), locks=[each.access('counting', count=3)])
        """
    async with started(configuration) as ci:
        build = await ci.build("step")
        whole = await ci.force("whole")

        assert build.result is Result.EXCEPTION
        log = await ci.text(build, "shell", "err.text")
        assert "needs 3 of lock each, which allows 2" in log
        assert "needs 3 of lock each, which allows 2 on local" in await ci.waits(
            whole, "lock_unavailable"
        )


async def test_a_step_that_waits_for_a_lock_says_so() -> None:
    configuration = """
        lock = util.MasterLock('lock')
        add('holder', blocking('held', locks=[lock.access('exclusive')]))
        add('waiter', sh('echo', name='one', locks=[lock.access('exclusive')]))
        """
    async with started(configuration) as ci:
        await ci.force("holder")
        waiter = await ci.force("waiter")
        await _is_shown(ci)

        ci.worker("local").let_go("held")
        await ci.finished(waiter)

        assert ci.step(ci.last_build("waiter"), "one").state == "'sh -c ...'"


async def _is_shown(ci: World) -> None:
    await ci.sleep(1)
    build = ci.last_build("waiter")
    (step,) = [s for s in await ci.get(f"builds/{build.id}/steps") if s["name"] == "one"]
    assert step["state_string"] == "waiting for lock lock"
    assert step["started_at"] is not None
    assert step["locks_acquired_at"] is None


async def test_why_a_build_waits_is_told_everywhere() -> None:
    configuration = """
        lock = util.MasterLock('lock')
        add('holder', blocking('held', locks=[lock.access('exclusive')]))
        add('waiter', sh('echo', name='one', locks=[lock.access('exclusive')]))
        """
    async with started(configuration) as ci:
        holder = await ci.force("holder")
        waiter = await ci.force("waiter")
        build = ci.last_build("waiter")
        sentence = 'step "one" waits: lock lock is held by holder #1 (step held)'

        assert await ci.waits(waiter, "lock_held") == sentence
        for path in (f"builds/{build.id}", "builders/waiter/builds/1"):
            found = await ci.one(f"{path}/why")
            assert (found["kind"], found["sentence"]) == ("lock_held", sentence)
        assert await ci.get(f"buildrequests/{holder}/why") == []
        for page in ("", f"builds/{build.id}"):
            assert sentence in html.unescape((await ci.fetch(f"plain/{page}")).decode())

        ci.worker("local").let_go("held")
        await ci.finished(waiter)

        assert await ci.get(f"builds/{build.id}/why") == []
        with pytest.raises(Refused):
            await ci.get("builds/999/why")


async def test_a_build_whose_worker_takes_long_to_prepare_says_so() -> None:
    async with started("add('b', sh('true'))") as ci:
        ci.worker("local").is_slow_to_prepare = True
        request = await ci.force("b")
        await ci.sleep(42)
        build = ci.last_build("b")
        sentence = await ci.waits(request, "worker_preparing")
        page = (await ci.fetch(f"plain/builds/{build.id}")).decode()
        (step,) = await ci.get(f"builds/{build.id}/steps")
        await ci.sleep(260)
        after = await ci.waits(request, "workers_quarantined")

        assert sentence == "worker local has been preparing the build for 42 s"
        assert sentence in page
        assert step["state_string"] == "preparing worker local"
        assert "it did not answer within 300 s" in after
        assert ci.builds_of(request)[0].result is Result.RETRY
