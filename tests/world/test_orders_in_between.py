"""Orders are honoured whatever their request or build is about to become just then."""

from __future__ import annotations

import pytest
from written import started

from chargehand.domain.result import Result
from chargehand.testing.world import World

_BUILDERS = """
    lock = util.MasterLock('lock')
    add('b', blocking('slow'), sh('true', name='after'))
    add('locked', blocking('held', locks=[lock.access('exclusive')]))
    add('waits', sh('true', locks=[lock.access('exclusive')]))
    """


async def _is_cancelled(ci: World, request: int) -> None:
    await ci.until_idle(within=3600)
    await ci.sleep(3600)
    assert ci.history.requests[request].result is Result.CANCELLED


@pytest.mark.parametrize("order", ["cancel", "stop"])
async def test_while_its_worker_is_lost(order: str) -> None:
    async with started(_BUILDERS) as ci:
        request = await ci.force("b")
        build = ci.last_build("b")
        ci.worker("local").is_there = False
        ci.worker("local").cut()
        await ci.sleep(5)

        path = f"buildrequests/{request}" if order == "cancel" else f"builds/{build.id}"
        await ci.order(path, order, reason="not wanted")
        ci.worker("local").come()

        await _is_cancelled(ci, request)


async def test_while_the_worker_is_asked_to_prepare() -> None:
    async with started(_BUILDERS) as ci:
        ci.worker("local").is_slow_to_prepare = True
        request = await ci.force("b")
        await ci.sleep(5)

        await ci.order(f"buildrequests/{request}", "cancel", reason="not wanted")

        await _is_cancelled(ci, request)


async def test_while_all_its_workers_are_in_quarantine() -> None:
    async with started(_BUILDERS) as ci:
        ci.worker("local").unusable["b"] = "no space"
        request = await ci.force("b")
        await ci.sleep(5)

        await ci.order(f"buildrequests/{request}", "cancel", reason="not wanted")

        await _is_cancelled(ci, request)


async def test_while_a_step_waits_for_a_lock() -> None:
    async with started(_BUILDERS) as ci:
        await ci.force("locked")
        request = await ci.force("waits")

        await ci.order(f"buildrequests/{request}", "cancel", reason="not wanted")
        await ci.settle()

        assert ci.history.requests[request].result is Result.CANCELLED
        ci.worker("local").let_go("held")
        await _is_cancelled(ci, request)


async def test_after_it_was_ordered_to_be_retried() -> None:
    async with started(_BUILDERS) as ci:
        ci.worker("local").on("slow", hangs=True, survives_interrupts=True)
        request = await ci.force("b")
        build = ci.last_build("b")

        await ci.order(f"builds/{build.id}", "stop", reason="again", results=int(Result.RETRY))
        await ci.order(f"buildrequests/{request}", "cancel", reason="not wanted")

        await _is_cancelled(ci, request)


async def test_a_new_priority_counts_after_the_pause_of_a_retry() -> None:
    configuration = """
        c['workers'] = [worker.LocalWorker('local', max_builds=1)]
        add('b', blocking('slow'))
        """
    async with started(configuration) as ci:
        request = await ci.force("b")
        ci.worker("local").die()
        await ci.settle()
        later = await ci.force("b")
        await ci.order(f"buildrequests/{request}", "set_priority", priority=-5)
        ci.worker("local").let_go("slow")

        await ci.until_idle(within=600)

        assert [build.request_id for build in ci.builds()] == [request, later, request]
