"""Users' functions that never answer, or are slow: other builders do not notice."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest
from test_dispatcher import Farm, builder, settle

from chargehand.domain.waiting import FunctionAsked, FunctionFailed
from chargehand.testing.dispatch import MemoryWorkers

pytestmark = pytest.mark.looptime


async def never(*_: Any) -> Any:
    await asyncio.Event().wait()


async def stubborn(*_: Any) -> Any:
    """Do not end when cancelled, for the first time."""
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        await asyncio.Event().wait()


async def slow_yes(*_: Any) -> bool:
    await asyncio.sleep(5)
    return True


@pytest.fixture
async def farm():
    farm = Farm(MemoryWorkers(one=1, two=100))
    await farm.dispatcher.start()
    yield farm
    await asyncio.wait_for(farm.dispatcher.stop(), 30)


@pytest.mark.parametrize("hook", ["next_build", "next_worker", "can_start_build", "locks"])
@pytest.mark.parametrize("silent", [never, stubborn])
async def test_other_builders_get_all_their_builds_at_once(farm, looptime, hook, silent):
    hanging = [builder(f"h{number}", "one", **{hook: silent}) for number in range(20)]
    await farm.configure(builder("good", "two"), *hanging)
    loop = asyncio.get_running_loop()
    for number in range(20):
        farm.store.submit(2 + number)
    slowest = 0.0

    for _ in range(60):
        begun, ordered = loop.time(), farm.store.submit(1)
        while ordered not in farm.running:
            await asyncio.sleep(0.01)
        slowest = max(slowest, loop.time() - begun)
        await farm.end(ordered)
        await asyncio.sleep(3)

    assert slowest < 0.5
    assert len(farm.started) == 60


async def test_what_is_silent_is_named_with_its_place_and_asked_after_growing_pauses(farm):
    asked: list[float] = []
    loop = asyncio.get_running_loop()

    async def silent(*_: Any) -> Any:
        asked.append(loop.time())
        await never()

    await farm.configure(builder("a", "one", next_worker=silent))
    farm.store.submit(1)
    await asyncio.sleep(10)
    assert farm.why(1) == FunctionAsked(function="nextWorker", seconds=10)

    await asyncio.sleep(600)

    why = farm.why(1)
    assert isinstance(why, FunctionFailed)
    assert "test_dispatcher_silence.py" in why.sentence
    assert "did not answer within 60 s" in why.sentence
    pauses = [round(later - sooner - 60) for sooner, later in itertools.pairwise(asked)]
    assert pauses == [1, 2, 4, 8, 16, 32, 60][: len(pauses)]
    assert len(pauses) >= 5


async def test_a_slow_function_starts_its_builds_and_keeps_nobody_waiting(farm):
    await farm.configure(builder("slow", "one", can_start_build=slow_yes), builder("quick", "two"))
    farm.store.submit(1)
    farm.store.submit(2)
    await asyncio.sleep(1)
    assert farm.started == [2]

    await asyncio.sleep(5)

    assert farm.started == [2, 1]


async def test_functions_that_answer_at_once_are_served_in_the_order_of_the_requests(farm):
    async def yes(*_: Any) -> bool:
        await asyncio.sleep(0.001)
        return True

    farm.workers.alter("one", connected=False)
    names = "abcde"
    await farm.configure(*[builder(name, "one", can_start_build=yes) for name in names])
    for number in (5, 3, 1, 2, 4):
        farm.store.submit(number)
    await settle()

    farm.workers.alter("one", connected=True)
    farm.dispatcher.worker_changed("one")
    for _ in names:
        await asyncio.sleep(1)
        await farm.end(farm.started[-1])

    assert farm.started == [1, 2, 3, 4, 5]


async def test_a_mended_function_is_asked_at_once(farm):
    async def yes(*_: Any) -> bool:
        return True

    await farm.configure(builder("a", "one", can_start_build=never))
    farm.store.submit(1)
    await asyncio.sleep(30)

    await farm.configure(builder("a", "one", can_start_build=yes))
    await asyncio.sleep(1)

    assert farm.started == [1]


async def test_a_silent_order_of_builders_is_given_up_and_asked_again_seldom(farm):
    asked: list[str] = []

    async def silent(names: list[str]) -> Any:
        asked.append(",".join(names))
        await stubborn()

    await farm.configure(builder("a", "two"), prioritize_builders=silent)
    for _ in range(100):
        ordered = farm.store.submit(1)
        await asyncio.sleep(7)
        await farm.end(ordered)

    assert len(farm.started) == 100
    assert len(asked) <= 5


async def test_a_function_that_fails_is_not_asked_at_every_occasion(farm, caplog):
    asked: list[int] = []

    async def fails(*_: Any) -> Any:
        asked.append(1)
        raise LookupError("no idea")

    await farm.configure(builder("a", "one", can_start_build=fails))
    farm.store.submit(1)
    for _ in range(600):
        farm.dispatcher.worker_changed("one")
        await asyncio.sleep(0.1)

    assert 4 <= len(asked) <= 8
