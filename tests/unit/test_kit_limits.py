"""A time limit holds in every state of a task."""

from __future__ import annotations

import asyncio

import pytest

from chargehand.kit.limits import time_limit

pytestmark = [pytest.mark.looptime]


async def test_work_within_the_limit_is_not_disturbed(looptime) -> None:
    async with time_limit(10):
        await asyncio.sleep(5)

    await asyncio.sleep(100)

    assert looptime == 105


async def test_work_beyond_the_limit_is_ended(looptime) -> None:
    with pytest.raises(TimeoutError):
        async with time_limit(10):
            await asyncio.sleep(100)

    assert looptime == 10


async def test_a_limit_holds_in_the_clearing_up_after_a_cancellation(looptime) -> None:
    seen: list[str] = []

    async def work() -> None:
        try:
            await asyncio.sleep(100)
        finally:
            try:
                async with time_limit(10):
                    await asyncio.sleep(100)
            except TimeoutError:
                seen.append("cleared up")

    task = asyncio.ensure_future(work())
    await asyncio.sleep(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert seen == ["cleared up"]
    assert looptime == 11


async def test_a_cancellation_from_outside_stays_one(looptime) -> None:
    async def work() -> None:
        async with time_limit(10):
            await asyncio.sleep(100)

    task = asyncio.ensure_future(work())
    await asyncio.sleep(1)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_error_goes_through(looptime) -> None:
    with pytest.raises(ZeroDivisionError):
        async with time_limit(10):
            raise ZeroDivisionError


async def test_the_outer_one_of_two_limits_may_be_the_shorter(looptime) -> None:
    with pytest.raises(TimeoutError):
        async with time_limit(5), time_limit(10):
            await asyncio.sleep(100)

    assert looptime == 5
