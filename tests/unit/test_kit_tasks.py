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
