"""Work is given up between what it does in threads, and never while a thread does a part of it."""

from __future__ import annotations

import asyncio
import multiprocessing
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

import pytest

from chargehand.kit.loop import run
from chargehand.kit.unbroken import GivenUp, Unbroken


class _Cloud:
    """Makes a machine in a thread, as slowly as the test wants."""

    def __init__(self) -> None:
        self.machines: list[str] = []
        self.may_go_on = threading.Event()
        self.known: list[str] = []
        """What the coroutine has heard of."""

    def create(self) -> str:
        self.may_go_on.wait()
        self.machines.append("m1")
        return "m1"

    async def start(self) -> None:
        self.known.append(await asyncio.to_thread(self.create))
        await asyncio.Event().wait()


def test_a_thread_that_works_for_it_is_waited_for_and_what_it_makes_is_known() -> None:
    assert run(_in_noting_loop(_Cloud())) == ["m1"]


async def _in_noting_loop(cloud: _Cloud) -> list[str]:
    work = Unbroken(cloud.start(), name="start")
    with pytest.raises(GivenUp):
        await work.outcome(0)
    assert not work.is_over
    assert cloud.machines == []
    asyncio.get_running_loop().call_soon(cloud.may_go_on.set)
    await work.ended()
    assert work.is_over
    assert cloud.machines == ["m1"]
    return cloud.known


class _SlowToTell(ThreadPoolExecutor):
    """Its thread has done its work some time before anybody hears of the result."""

    may_tell = threading.Event()

    def submit(self, function: Callable[..., Any], /, *args: Any, **named: Any) -> Future[Any]:
        def told() -> Any:
            result = function(*args, **named)
            self.may_tell.wait()
            return result

        return super().submit(told)


async def _what_a_thread_made_is_known_however_late_the_loop_hears_of_it() -> None:
    known: list[int] = []
    loop = asyncio.get_running_loop()
    called = asyncio.Event()

    def create() -> int:
        loop.call_soon_threadsafe(called.set)
        return 7

    with _SlowToTell(1) as executor:

        async def start() -> None:
            known.append(await loop.run_in_executor(executor, create))

        work = Unbroken(start(), name="start")
        await called.wait()
        with pytest.raises(GivenUp):
            await work.outcome(0)
        for _ in range(100):
            await asyncio.sleep(0)
        assert not work.is_over
        executor.may_tell.set()
        await work.ended()
    assert known == [7]


async def _it_may_work_in_other_processes() -> None:
    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as processes:
        work = Unbroken(_in_a_process(loop, processes), name="in a process")
        assert await work.outcome(60) == 5


async def _in_a_process(loop: asyncio.AbstractEventLoop, processes: ProcessPoolExecutor) -> int:
    return await loop.run_in_executor(processes, abs, -5)


async def _a_thread_that_cannot_begin_is_not_waited_for() -> None:
    executor = ThreadPoolExecutor(1)
    executor.shutdown()

    async def start() -> None:
        await asyncio.get_running_loop().run_in_executor(executor, abs, -5)

    work = Unbroken(start(), name="start")
    with pytest.raises(RuntimeError, match="after shutdown"):
        await work.outcome(60)
    await work.ended()


async def _nor_one_of_a_broken_executor() -> None:
    def broken() -> None:
        raise ValueError("no such library")

    async def start() -> None:
        await asyncio.get_running_loop().run_in_executor(executor, abs, -5)

    with ThreadPoolExecutor(1, initializer=broken) as executor:
        work = Unbroken(start(), name="start")
        with pytest.raises(RuntimeError, match="initializer failed"):
            await work.outcome(60)
        await work.ended()


async def _its_own_timeouts_are_no_end_of_the_time() -> None:
    async def start() -> None:
        raise TimeoutError("the cloud did not answer")

    with pytest.raises(TimeoutError, match="the cloud did not answer"):
        await Unbroken(start(), name="start").outcome(60)


async def _cancelled_while_it_waits_for_a_thread() -> None:
    """The pool has no free thread: what never begins is not waited for."""
    loop, blocking = asyncio.get_running_loop(), threading.Event()
    called: list[str] = []
    busy = [loop.run_in_executor(None, blocking.wait) for _ in range(64)]

    async def impatient() -> None:
        async with asyncio.timeout(0):
            await asyncio.to_thread(called.append, "late")

    work = Unbroken(impatient(), name="impatient")
    with pytest.raises(TimeoutError):
        await work.outcome(60)
    await work.ended()
    assert work.is_over
    blocking.set()
    await asyncio.gather(*busy)
    assert called == []


async def _threads_of_its_tasks_are_not_its_parts() -> None:
    """A start may leave a task at work; its end does not wait for that."""
    blocking = threading.Event()
    tasks: list[asyncio.Task[bool]] = []

    async def begin() -> str:
        tasks.append(asyncio.ensure_future(asyncio.to_thread(blocking.wait)))
        await asyncio.sleep(0)
        return "begun"

    work = Unbroken(begin(), name="begin")
    assert await work.outcome(60) == "begun"
    await work.ended()
    blocking.set()
    await tasks[0]


async def _one_that_fails_is_over_when_its_threads_are() -> None:
    cloud = _Cloud()

    async def two_at_once() -> None:
        async with asyncio.timeout(None):
            thread = asyncio.ensure_future(asyncio.to_thread(cloud.create))
            await asyncio.sleep(0)
            assert not thread.done()
            raise ValueError("no quota")

    work = Unbroken(two_at_once(), name="two at once")
    with pytest.raises(ValueError, match="no quota"):
        await work.outcome(60)
    assert not work.is_over
    cloud.may_go_on.set()
    await work.ended()
    assert cloud.machines == ["m1"]


async def _without_threads_it_is_cancelled_at_once() -> None:
    cleaned: list[str] = []

    async def waiting() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cleaned.append("up")

    work = Unbroken(waiting(), name="waiting")
    with pytest.raises(GivenUp):
        await work.outcome(0)
    await work.ended()
    assert cleaned == ["up"]


@pytest.mark.parametrize(
    "case",
    [
        _cancelled_while_it_waits_for_a_thread,
        _threads_of_its_tasks_are_not_its_parts,
        _one_that_fails_is_over_when_its_threads_are,
        _without_threads_it_is_cancelled_at_once,
        _what_a_thread_made_is_known_however_late_the_loop_hears_of_it,
        _it_may_work_in_other_processes,
        _a_thread_that_cannot_begin_is_not_waited_for,
        _nor_one_of_a_broken_executor,
        _its_own_timeouts_are_no_end_of_the_time,
    ],
)
def test_what_counts_as_its_part(case: Callable[[], Coroutine[Any, Any, None]]) -> None:
    run(case())
