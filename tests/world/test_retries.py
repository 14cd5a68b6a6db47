"""Builds that end without a result are retried, but not for ever, and not all the time."""

from __future__ import annotations

from written import started

from chargehand.domain.result import Result

_FULL = "[Errno 28] No space left on device"
_RETRIES = """
    class Again(steps.BuildStep):
        name = 'again'
        def run(self):
            return util.RETRY
    add('b', Again())
    """


async def test_a_step_that_always_asks_for_a_retry_gets_ten() -> None:
    async with started(_RETRIES) as ci:
        began = ci.now
        request = await ci.force("b")
        await ci.sleep(1.5)
        sentence = await ci.waits(request, "retry_paused")
        page = (await ci.fetch("plain/")).decode()
        ended = await ci.finished(request)

        assert sentence.startswith("retry 2 of 10 at ")
        assert sentence.endswith(' because step "again" returned RETRY')
        assert "retry 2 of 10 at " in page
        assert ended.result is Result.EXCEPTION
        builds = ci.builds_of(request)
        assert len(builds) == 11
        starts = [round(build.started_at - began) for build in builds]
        assert starts == [0, 1, 3, 7, 15, 31, 63, 127, 255, 511, 811]
        assert "giving up after 10 retries" in builds[-1].state


async def test_a_restarted_master_remembers_how_often_a_request_was_retried() -> None:
    async with started(_RETRIES) as ci:
        request = await ci.force("b")
        await ci.sleep(20)
        before = await ci.one(f"buildrequests/{request}/why")

        await ci.restart()

        after = await ci.one(f"buildrequests/{request}/why")
        assert after["details"] == before["details"]
        assert (await ci.finished(request)).result is Result.EXCEPTION
        assert len(ci.builds_of(request)) == 11


async def test_a_request_in_its_pause_can_be_cancelled() -> None:
    async with started(_RETRIES) as ci:
        request = await ci.force("b")
        await ci.sleep(20)
        builds = len(ci.builds_of(request))

        await ci.order(f"buildrequests/{request}", "cancel", reason="enough")
        await ci.sleep(1000)

        assert ci.history.requests[request].result is Result.CANCELLED
        assert len(ci.builds_of(request)) == builds


async def test_a_worker_that_cannot_prepare_a_builder_gets_none_of_it_for_a_while() -> None:
    async with started("add('broken', sh('true'))\nadd('sound', sh('true'))") as ci:
        worker = ci.worker("local")
        worker.unusable["broken"] = "[Errno 17] File exists: 'broken'"
        request = await ci.force("broken")
        await ci.sleep(5)

        sentence = await ci.waits(request, "workers_quarantined")
        shown = await ci.one("workers/local")
        page = (await ci.fetch("plain/workers")).decode()
        assert (await ci.build("sound")).result is Result.SUCCESS
        await ci.sleep(3600)
        so_far = len(ci.builds_of(request))
        worker.unusable.clear()
        ended = await ci.finished(request)
        await ci.sleep(1)
        cleared = await ci.one("workers/local")

        assert sentence.startswith("local is in quarantine for broken until ")
        assert sentence.endswith(": [Errno 17] File exists: 'broken'")
        assert shown["paused"] is False
        assert "in quarantine for broken until " in page
        assert str(shown["pause_reason"]) in sentence
        assert so_far == 9
        assert ended.result is Result.SUCCESS
        assert cleared["pause_reason"] is None


async def test_a_worker_that_can_prepare_nothing_gets_one_build_at_a_time() -> None:
    names = [f"b{number}" for number in range(20)]
    text = "\n".join(f"add('{name}', sh('true'))" for name in names)
    async with started(text) as ci:
        worker = ci.worker("local")
        worker.unusable.update(dict.fromkeys(names, _FULL))
        requests = [await ci.force(name) for name in names]
        await ci.sleep(600)

        builds = len(ci.builds())
        worker.unusable.clear()
        await ci.until_idle(within=120)

        assert builds <= 2 + 600 / 10
        assert {ci.history.requests[one].result for one in requests} == {Result.SUCCESS}


async def test_others_build_what_a_broken_worker_cannot() -> None:
    configuration = """
        c['workers'] = [worker.LocalWorker(name) for name in ('bad', 'good')]
        add('b', sh('true'), workernames=['bad', 'good'],
            nextWorker=lambda builder, workers, request: sorted(workers, key=str)[0])
        """
    async with started(configuration) as ci:
        ci.worker("bad").unusable["b"] = _FULL

        results = [(await ci.build("b")).result for _ in range(3)]

        assert results == [Result.SUCCESS] * 3


async def test_unpausing_and_reconnecting_lift_the_quarantine() -> None:
    async with started("add('b', sh('true'))") as ci:
        worker = ci.worker("local")
        worker.unusable["b"] = _FULL
        request = await ci.force("b")
        await ci.sleep(3000)
        before = len(ci.builds_of(request))

        await ci.order("workers/local", "unpause")
        await ci.settle()
        unpaused = len(ci.builds_of(request))
        worker.unusable.clear()
        worker.die()
        await ci.finished(request, within=60)

        assert unpaused == before + 1


async def test_who_pauses_a_worker_in_quarantine_is_not_undone_by_its_end() -> None:
    async with started("add('b', sh('true'))") as ci:
        ci.worker("local").unusable["b"] = _FULL
        request = await ci.force("b")
        await ci.order("workers/local", "pause", reason="a new disk comes")
        await ci.sleep(3600)

        shown = await ci.one("workers/local")

        assert (shown["paused"], shown["pause_reason"]) == (True, "a new disk comes")
        assert len(ci.builds_of(request)) == 1


async def test_a_quarantine_does_not_outlive_the_master() -> None:
    async with started("add('b', sh('true'))") as ci:
        ci.worker("local").unusable["b"] = _FULL
        request = await ci.force("b")
        await ci.sleep(5)
        ci.worker("local").unusable.clear()

        await ci.crash()
        await ci.start()

        assert (await ci.finished(request, within=60)).result is Result.SUCCESS
        assert (await ci.one("workers/local"))["pause_reason"] is None
