"""What people order over REST, and what the master answers; locks, and why requests wait."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence

import pytest
from written import started

from chargehand.domain.build import Step
from chargehand.domain.result import Result
from chargehand.testing.world import Json, Refused, World

_ONE_AT_A_TIME = "c['workers'] = [worker.LocalWorker('local', max_builds=1)]\n"


async def test_a_build_can_be_stopped() -> None:
    configuration = (
        "add('b', blocking('slow'), sh('echo never', name='after'),\n"
        "    sh('echo cleaned', name='always', alwaysRun=True))"
    )
    async with started(configuration) as ci:
        request_id = await ci.force("b")
        build = ci.last_build("b")

        await ci.order(f"builds/{build.id}", "stop", reason="I changed my mind")
        request = await ci.finished(request_id)

        (build,) = ci.builds_of(request_id)
        assert (request.result, build.result) == (Result.CANCELLED, Result.CANCELLED)
        assert "I changed my mind" in build.state
        steps = {step.name: step.result for step in ci.steps(build)}
        assert steps == {"slow": Result.CANCELLED, "always": Result.SUCCESS}
        assert ci.worker("local").running == []
        assert await ci.order(f"builds/{build.id}", "stop", reason="again") is None


async def test_a_build_can_be_stopped_to_run_again() -> None:
    async with started("add('b', blocking('slow'))") as ci:
        request_id = await ci.force("b")

        stop = {"reason": "once more", "results": Result.RETRY.value}
        await ci.order(f"builds/{ci.last_build('b').id}", "stop", **stop)
        ci.worker("local").let_go("slow")

        assert (await ci.finished(request_id)).result is Result.SUCCESS
        results = [build.result for build in ci.builds_of(request_id)]
        assert results == [Result.RETRY, Result.SUCCESS]


async def test_requests_can_be_cancelled_waiting_or_running() -> None:
    async with started(_ONE_AT_A_TIME + "add('b', blocking('slow'))") as ci:
        running, waiting = await ci.force("b"), await ci.force("b")

        await ci.order(f"buildrequests/{waiting}", "cancel", reason="not needed")
        cancelled = await ci.one(f"buildrequests/{waiting}")
        await ci.order(f"buildrequests/{running}", "cancel", reason="nor this")

        assert cancelled["results"] == Result.CANCELLED
        assert (await ci.finished(running)).result is Result.CANCELLED
        assert ci.builds_of(waiting) == []
        buildset = await ci.one(f"buildsets/{cancelled['buildsetid']}")
        assert (buildset["complete"], buildset["results"]) == (True, Result.CANCELLED)


async def test_a_build_can_be_rebuilt() -> None:
    async with started("add('b', sh('exit 1', name='one'))") as ci:
        first = await ci.build("b", branch="topic", revision="abc", reason="because")

        await ci.order(f"builds/{first.id}", "rebuild")
        await ci.until_idle()

        again = ci.last_build("b")
        assert (again.result, again.number) == (Result.FAILURE, 2)
        properties = await ci.properties(again)
        assert properties["branch"] == ["topic", "Build"]
        assert properties["revision"] == ["abc", "Build"]
        buildset = (await ci.get("buildsets?order=-bsid"))[0]
        assert buildset["rebuilt_buildid"] == first.id


async def test_a_worker_can_be_paused_and_unpaused() -> None:
    async with started("add('b', sh('true'))") as ci:
        await ci.order("workers/local", "pause", reason="for its birthday")
        request_id = await ci.force("b")
        said = await ci.waits(request_id, "workers_paused")
        record = await ci.one("workers/local")
        await ci.order("workers/local", "unpause")

        assert "local (for its birthday, since 20" in said
        assert (record["paused"], record["pause_reason"]) == (True, "for its birthday")
        assert (await ci.finished(request_id)).result is Result.SUCCESS
        assert (await ci.one("workers/local"))["paused"] is False


async def test_a_pause_survives_a_restart() -> None:
    async with started("add('b', sh('true'))") as ci:
        await ci.order("workers/1", "pause", reason="broken disk")
        before = await ci.one("workers/1")
        await ci.restart()
        await ci.sleep(3600)
        await ci.crash()
        await ci.start()

        request_id = await ci.force("b")

        assert "broken disk" in await ci.waits(request_id, "workers_paused")
        after = await ci.one("workers/1")
        assert isinstance(before["paused_at"], int)
        assert (after["paused"], after["paused_at"]) == (True, before["paused_at"])


async def test_a_worker_stopped_gracefully_ends_its_build_first() -> None:
    async with started("add('b', blocking('slow'))") as ci:
        running = await ci.force("b")

        await ci.order("workers/local", "stop", reason="going home")
        waiting = await ci.force("b")
        await ci.waits(waiting, "workers_paused")
        while_stopping = await ci.one("workers/local")
        ci.worker("local").let_go("slow")

        assert (await ci.finished(running)).result is Result.SUCCESS
        await ci.settle()
        stopped = await ci.one("workers/local")
        assert while_stopping["connected_to"]
        assert (stopped["graceful"], stopped["connected_to"]) == (True, [])


async def test_the_higher_priority_goes_first() -> None:
    async with started(_ONE_AT_A_TIME + "add('b', blocking('slow'))") as ci:
        first = await ci.force("b")
        second, third, fourth = (
            await ci.force("b"),
            await ci.force("b", priority=5),
            await ci.force("b"),
        )

        await ci.order(f"buildrequests/{fourth}", "set_priority", priority=9)
        sentence = await ci.waits(second, "behind_others")
        ci.worker("local").let_go("slow")
        await ci.until_idle()

        assert (await ci.one(f"buildrequests/{fourth}"))["priority"] == 9
        assert sentence.startswith("2 other requests of this builder come first")
        assert [build.request_id for build in ci.builds()] == [first, fourth, third, second]


async def test_every_wait_says_why() -> None:
    configuration = """
        c['workers'] = [worker.LocalWorker('one', max_builds=1), worker.LocalWorker('two'),
                        worker.LocalWorker('far')]
        lock = util.MasterLock('database')
        add('busy', blocking('slow'), workernames=['one'])
        add('busy too', blocking('slow'), workernames=['one'])
        add('locks', blocking('held'), workernames=['two'], locks=[lock.access('exclusive')])
        add('locked', sh('true'), workernames=['two'], locks=[lock.access('exclusive')])
        add('far away', sh('true'), workernames=['far'])
        add('refused', sh('true'), workernames=['two'], canStartBuild=lambda *given: False)
        def bad(*given):
            raise LookupError('no idea')
        add('failing', sh('true'), workernames=['two'], nextBuild=bad)
        add('failing worker', sh('true'), workernames=['two'], nextWorker=bad)
        add('failing start', sh('true'), workernames=['two'], canStartBuild=bad)
        add('nonsense', sh('true'), workernames=['two'], nextBuild=lambda *given: 'what?')
        """
    expected = {
        "busy": (
            "workers_busy",
            "one is already running busy #1 (limit: 1 build of this builder per worker)",
        ),
        "busy too": (
            "workers_busy",
            "worker one is already running 1 build, its limit (max_builds)",
        ),
        "locked": ("lock_held", "lock database is held by locks #1"),
        "far away": ("no_worker_connected", "none of its workers is connected: far"),
        "refused": ("refused_by_function", "/master.cfg:31) refused for two"),
        "failing": ("function_failed", ") failed: LookupError: no idea"),
        "failing worker": ("function_failed", ") failed: LookupError: no i"),
        "failing start": ("function_failed", ") failed: LookupError"),
        "nonsense": ("function_failed", "must return one of the given requests"),
    }
    async with started(configuration) as ci:
        ci.worker("far").leave()
        first, holder = await ci.force("busy"), await ci.force("locks")

        requests = {name: await ci.force(name) for name in expected}
        for name, (kind, sentence) in expected.items():
            assert sentence in await ci.waits(requests[name], kind), name
        page = (await ci.fetch("plain/")).decode()
        ci.worker("one").let_go("slow")
        ci.worker("two").let_go("held")

        assert "lock database is held by locks #1" in page
        for request_id in (first, holder, requests["busy"], requests["locked"]):
            assert (await ci.finished(request_id)).result is Result.SUCCESS
        assert await ci.get(f"buildrequests/{first}/why") == []


async def test_exclusive_and_counting_locks_of_builders() -> None:
    configuration = """
        c['workers'] = [worker.LocalWorker('local'), worker.LocalWorker('other')]
        alone = util.MasterLock('alone')
        two = util.MasterLock('two', maxCount=2)
        each = util.WorkerLock('each', maxCount=1)
        add('alone', sh('work'), locks=[alone.access('exclusive')])
        for n in range(3):
            add(f'two {n}', sh('work'), locks=[two.access('counting')])
        add('each', sh('work'), locks=[each.access('counting')], workernames=['local', 'other'])
        """
    names = ("alone", "two 0", "two 1", "two 2", "each")
    async with started(configuration) as ci:
        for worker in ("local", "other"):
            ci.worker(worker).on("work", seconds=10)

        for name in [*names] * 4:
            await ci.force(name)
        await ci.until_idle()

        assert {build.result for build in ci.builds()} == {Result.SUCCESS}
        assert len(ci.builds()) == 4 * len(names)
        steps = {name: [ci.steps(b)[0] for b in ci.builds(name)] for name in names}
        assert _most_at_once(steps["alone"]) == 1
        assert _most_at_once(steps["two 0"] + steps["two 1"] + steps["two 2"]) == 2
        for worker_id in {build.worker_id for build in ci.builds("each")}:
            of_worker = [b for b in ci.builds("each") if b.worker_id == worker_id]
            assert _most_at_once([ci.steps(build)[0] for build in of_worker]) == 1
        assert _most_at_once(steps["each"]) == 2


def _most_at_once(steps: Sequence[Step]) -> int:
    """Return how many of them ran together at most; one may begin where another ends."""
    begins = [(step.started_at or 0.0, 1) for step in steps]
    ends = [(step.complete_at or 0.0, -1) for step in steps]
    return max(itertools.accumulate(change for _, change in sorted(begins + ends)))


async def test_locks_of_steps_are_held_for_the_step_only() -> None:
    configuration = """
        lock = util.MasterLock('lock')
        add('holder', blocking('held', locks=[lock.access('exclusive')]), blocking('free'))
        add('waiter', sh('echo got it', name='one', locks=[lock.access('exclusive')]))
        """
    async with started(configuration) as ci:
        holder, waiter = await ci.force("holder"), await ci.force("waiter")
        await ci.sleep(5)
        waiting = ci.step(ci.last_build("waiter"), "one")

        ci.worker("local").let_go("held")

        assert waiting.started_at is not None
        assert waiting.locks_acquired_at is None
        assert (await ci.finished(waiter)).result is Result.SUCCESS
        assert not ci.history.requests[holder].complete
        (build,) = ci.builds_of(waiter)
        assert build.locks_duration == pytest.approx(5)
        assert ci.step(build, "one").locks_acquired_at is not None
        ci.worker("local").let_go("free")
        assert (await ci.finished(holder)).result is Result.SUCCESS


async def test_a_build_that_waits_for_a_step_lock_can_be_stopped() -> None:
    configuration = """
        lock = util.MasterLock('lock')
        add('holder', blocking('held', locks=[lock.access('exclusive')]))
        add('waiter', sh('echo got it', name='one', locks=[lock.access('exclusive')]))
        """
    async with started(configuration) as ci:
        holder, waiter = await ci.force("holder"), await ci.force("waiter")

        await ci.order(f"builds/{ci.last_build('waiter').id}", "stop", reason="tired")
        stopped = await ci.finished(waiter)
        ci.worker("local").let_go("held")

        assert stopped.result is Result.CANCELLED
        assert (await ci.finished(holder)).result is Result.SUCCESS
        assert (await ci.build("waiter")).result is Result.SUCCESS


async def test_equal_requests_are_collapsed() -> None:
    configuration = _ONE_AT_A_TIME + "c['collapseRequests'] = True\nadd('b', blocking('slow'))"
    async with started(configuration) as ci:
        requests = [await ci.force("b") for _ in range(5)]
        requests.append(await ci.force("b", branch="other"))
        ci.worker("local").let_go("slow")

        results = [(await ci.finished(request)).result for request in requests]

        assert results == [Result.SUCCESS, *[Result.SKIPPED] * 3, Result.SUCCESS, Result.SUCCESS]


_BAD_ORDERS: list[tuple[str, dict[str, Json], int, int]] = [
    ("builds/1", {"method": "frobnicate"}, 501, -32601),
    ("builds/999", {"method": "stop"}, 404, 0),
    ("buildrequests/999", {"method": "cancel"}, 404, 0),
    ("buildrequests/1", {"method": "set_priority", "params": {"priority": "high"}}, 400, -32602),
    ("buildrequests/1", {"method": "set_priority"}, 400, -32602),
    ("buildrequests/2", {"method": "set_priority", "params": {"priority": 10**30}}, 400, -32602),
    ("forceschedulers/force", {"method": "force", "params": {"priority": 10**30}}, 400, -32602),
    ("workers/nobody", {"method": "pause"}, 404, 0),
    ("forceschedulers/force", {"method": "force", "params": {"builderid": 99}}, 400, -32602),
    ("forceschedulers/none", {"method": "force"}, 404, 0),
    ("builders/1", {"method": "stop"}, 501, -32601),
    ("nonsense", {"method": "stop"}, 404, 0),
]


async def test_bad_orders_are_refused_and_change_nothing() -> None:
    text = "add('b', sh('true'))\nadd('c', sh('true'), canStartBuild=lambda *_: False)"
    async with started(text) as ci:
        await ci.build("b")
        await ci.force("c")

        problems = [await _problem(ci, *bad) for bad in _BAD_ORDERS]

        assert [problem for problem in problems if problem] == []
        assert (await ci.build("b")).result is Result.SUCCESS
        assert "Traceback" not in ci.log


async def _problem(
    ci: World, path: str, call: dict[str, Json], status: int, code: int
) -> str | None:
    try:
        body: Json = {"jsonrpc": "2.0", "id": 1, "params": {}, **call}
        await ci.fetch(f"api/v2/{path}", body)
    except Refused as refused:
        answer = refused.answer
        error = answer.get("error") if isinstance(answer, dict) else None
        found = error.get("code", 0) if isinstance(error, dict) else 0
        is_right = refused.status == status and (not code or found == code)
        return None if is_right else f"{path} {call}: {refused}"
    return f"{path} {call}: accepted"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("builds?nonsense=1", 400),
        ("builds?limit=x", 400),
        ("builds/abc", 404),
        ("nothing", 404),
        ("builders/none", 404),
        ("logs/77/raw", 404),
    ],
)
async def test_bad_questions_are_refused(path: str, status: int) -> None:
    async with started("add('b', sh('true'))") as ci:
        with pytest.raises(Refused) as refused:
            await ci.get(path)

        assert refused.value.status == status
        assert json.dumps(refused.value.answer)
        assert isinstance(refused.value.answer, dict)
        assert set(refused.value.answer) == {"error"}
