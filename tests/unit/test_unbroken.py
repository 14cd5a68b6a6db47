"""Work is given up between what it does in threads, and never while a thread does a part of it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from chargehand.kit.loop import run
from chargehand.kit.unbroken import Unbroken


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
    with pytest.raises(TimeoutError):
        await work.outcome(0)
    assert not work.is_over
    assert cloud.machines == []
    asyncio.get_running_loop().call_soon(cloud.may_go_on.set)
    await work.ended()
    assert work.is_over
    assert cloud.machines == ["m1"]
    return cloud.known


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
    with pytest.raises(TimeoutError):
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
    ],
)
def test_what_counts_as_its_part(case: Callable[[], Coroutine[Any, Any, None]]) -> None:
    run(case())
