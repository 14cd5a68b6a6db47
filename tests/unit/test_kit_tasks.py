"""Tasks that live long."""

from __future__ import annotations

import asyncio
import logging

import pytest

from chargehand.kit.tasks import Tasks


@pytest.mark.looptime
async def test_work_is_repeated_though_it_fails(caplog: pytest.LogCaptureFixture):
    tasks = Tasks("test")
    times: list[float] = []

    async def work() -> None:
        times.append(asyncio.get_running_loop().time())
        if len(times) == 2:
            raise OSError("once")

    with caplog.at_level(logging.ERROR):
        tasks.repeat(work, every=10, name="work")
        await asyncio.sleep(45)
        await tasks.close()

    assert [round(time - times[0]) for time in times] == [0, 10, 20, 30]
    assert "work failed; retrying in 10 s" in caplog.text
    assert len(tasks) == 0


@pytest.mark.looptime
async def test_work_that_may_not_end_is_started_again_less_and_less_soon(
    caplog: pytest.LogCaptureFixture,
):
    tasks = Tasks("test")
    times: list[float] = []

    async def work() -> None:
        times.append(asyncio.get_running_loop().time())
        if len(times) == 4:
            await asyncio.sleep(100)
        raise OSError("again")

    with caplog.at_level(logging.ERROR):
        tasks.keep(work, name="work")
        await asyncio.sleep(110)
        await tasks.close()

    assert [round(time - times[0]) for time in times] == [0, 1, 3, 7, 108]
    assert "test: work failed; restarting it" in caplog.text
