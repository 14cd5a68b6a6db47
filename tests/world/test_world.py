"""What a world promises to those who write scenarios in it."""

from __future__ import annotations

import asyncio
import re
import threading

import pytest

from buildbot.plugins import schedulers, util, worker
from chargehand.domain.result import Result
from chargehand.testing.world import StillBusy, world

CONFIGURATION = """
    from buildbot.plugins import *
    c = BuildmasterConfig = {}
    c['workers'] = [worker.LocalWorker('w')]
    c['builders'] = [util.BuilderConfig(name='tests', workernames=['w'], factory=util.BuildFactory([
        steps.ShellCommand(command=['make', 'test'], name='make')]))]
    c['schedulers'] = [
        schedulers.SingleBranchScheduler(
            name='main', builderNames=['tests'], change_filter=util.ChangeFilter(branch='main')),
        schedulers.ForceScheduler(name='force', builderNames=['tests'])]
    c['www'] = {'port': 8010}
"""


async def test_a_change_is_built_in_no_time() -> None:
    async with world(CONFIGURATION) as ci:
        ci.worker("w").on("make test", rc=2, output="1 failed\n", seconds=90)

        await ci.push(revision="abc")
        await ci.until_idle()

        build = ci.last_build("tests")
        assert build.result is Result.FAILURE
        assert build.complete_at is not None
        assert 90 <= build.complete_at - build.started_at < 91
        assert "o1 failed\n" in await ci.text(build, "make")
        assert [row["revision"] for row in await ci.get("changes")] == ["abc"]


async def test_a_command_that_hangs_is_let_go() -> None:
    async with world(CONFIGURATION) as ci:
        ci.worker("w").on("make test", hangs=True)
        request_id = await ci.force("tests")
        await ci.sleep(3600)

        assert ci.worker("w").running == ["make test"]
        assert not ci.last_build("tests").complete
        ci.worker("w").let_go("make test")
        await ci.until_idle()

        assert ci.last_build("tests").request_id == request_id
        assert ci.last_build("tests").result is Result.SUCCESS


async def test_what_never_ends_is_described() -> None:
    async with world(CONFIGURATION) as ci:
        ci.worker("w").on("make test", hangs=True)
        await ci.force("tests")

        with pytest.raises(StillBusy, match="worker w runs make test"):
            await ci.until_idle(within=600)


async def test_a_master_that_is_restarted_goes_on_with_what_waits() -> None:
    async with world(CONFIGURATION) as ci:
        ci.worker("w").leave()
        await ci.settle()
        request_id = await ci.force("tests")
        await ci.restart()
        waiting = await ci.one(f"buildrequests/{request_id}/why")

        ci.worker("w").come()
        await ci.until_idle()

        assert waiting["kind"] == "no_worker_connected"
        assert [build.request_id for build in ci.builds("tests")] == [request_id]


async def test_a_build_survives_the_restart_of_its_worker_by_being_retried() -> None:
    async with world(CONFIGURATION) as ci:
        ci.worker("w").on("make test", seconds=60)
        await ci.force("tests")
        await ci.sleep(30)

        ci.worker("w").die()
        await ci.until_idle()

        assert [build.result for build in ci.builds("tests")] == [Result.RETRY, Result.SUCCESS]


async def test_a_connection_that_is_cut_costs_no_build() -> None:
    async with world(CONFIGURATION) as ci:
        ci.worker("w").on("make test", seconds=60, output="all is well\n")
        await ci.force("tests")
        for _ in range(3):
            await ci.sleep(15)
            ci.worker("w").cut()
        await ci.until_idle()

        assert [build.result for build in ci.builds("tests")] == [Result.SUCCESS]
        assert ci.worker("w").commands.count("make test") == 1


async def test_a_worker_that_does_not_connect_again_in_time_costs_its_build() -> None:
    async with world(CONFIGURATION) as ci:
        ci.worker("w").on("make test", hangs=True)
        await ci.force("tests")
        await ci.sleep(30)

        ci.worker("w").is_there = False
        ci.worker("w").cut()
        await ci.sleep(599)
        running = [build.complete for build in ci.builds("tests")]
        waiting = await ci.one(f"buildrequests/{await ci.force('tests')}/why")
        (build,) = ci.builds("tests")
        explained = await ci.one(f"builds/{build.id}/why")
        (shown,) = await ci.get("workers")
        await ci.sleep(2)
        (lost,) = await ci.get("workers")
        ended = [build.result for build in ci.builds("tests")]

        assert running == [False]
        assert waiting["kind"] == "workers_interrupted"
        expected = "worker w lost its connection 9 min ago; its build keeps running"
        assert waiting["sentence"] == explained["sentence"] == expected
        assert ended == [Result.RETRY]
        assert re.fullmatch(r"lost its connection at \d\d:\d\d:\d\d UTC", shown["pause_reason"])
        assert (shown["paused"], lost["pause_reason"]) == (False, None)


async def test_a_short_interruption_is_not_shown_and_a_long_one_until_it_is_over() -> None:
    async with world(CONFIGURATION) as ci:
        worker, shown = ci.worker("w"), []
        worker.on("make test", hangs=True)
        await ci.force("tests")
        await ci.sleep(30)
        for seconds in (10, 20):
            worker.is_there = False
            worker.cut()
            await ci.sleep(seconds)
            shown.append((await ci.get("workers"))[0]["pause_reason"])
            worker.come()
            await ci.sleep(20)
            shown.append((await ci.get("workers"))[0]["pause_reason"])

        assert [reason is None for reason in shown] == [True, True, False, True]


async def test_a_master_that_is_killed_retries_its_builds_when_it_is_back() -> None:
    async with world(CONFIGURATION) as ci:
        ci.worker("w").on("make test", seconds=60)
        await ci.force("tests")
        await ci.sleep(30)

        await ci.crash()
        await ci.start()
        await ci.until_idle()

        assert [build.result for build in ci.builds("tests")] == [Result.RETRY, Result.SUCCESS]


async def test_a_configuration_may_be_a_function() -> None:
    async with world(configuration) as ci:
        assert [row["name"] for row in await ci.get("workers")] == ["from-a-function"]


def configuration() -> dict[str, object]:
    """Return a small configuration."""
    return {
        "workers": [worker.LocalWorker("from-a-function")],
        "builders": [
            util.BuilderConfig(
                name="b", workernames=["from-a-function"], factory=util.BuildFactory()
            )
        ],
        "schedulers": [schedulers.ForceScheduler(name="force", builderNames=["b"])],
        "www": {"port": 8010},
    }


async def test_time_stands_still_while_threads_and_programs_work() -> None:
    loop = asyncio.get_running_loop()
    wakes = asyncio.create_task(asyncio.sleep(0.001))

    await asyncio.to_thread(threading.Event().wait, 0.02)
    in_thread = loop.time()
    program = await asyncio.create_subprocess_exec("sleep", "0.02")
    await program.wait()

    assert (in_thread, loop.time()) == (0, 0)
    await wakes
    assert loop.time() == pytest.approx(0.001)
