"""The polling loop, in virtual time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from chargehand.domain.source_health import SourceHealth, SourceState
from chargehand.intake.polling import PollFailed, PollingLoop, Schedule
from chargehand.kit.tasks import Tasks

pytestmark = [pytest.mark.looptime]


class Polled:
    """Notes when it was polled; each poll takes ``duration`` and may fail."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self.duration = 0.0
        self.failures: list[Exception | None] = []

    async def poll(self) -> None:
        self.times.append(round(asyncio.get_running_loop().time(), 3))
        await asyncio.sleep(self.duration)
        error = self.failures.pop(0) if self.failures else None
        if error is not None:
            raise error


@asynccontextmanager
async def polling(
    polled: Polled, jitter: Callable[[float, float], float] = lambda low, high: low, **times: float
) -> AsyncIterator[PollingLoop]:
    loop = PollingLoop(
        name="it",
        poll=polled.poll,
        schedule=Schedule(**times),
        jitter=jitter,  # type: ignore[arg-type]
    )
    tasks = Tasks("test")
    tasks.spawn(loop.run(), name="loop")
    yield loop
    await tasks.close()


async def test_polls_come_one_interval_apart_and_first_after_one() -> None:
    polled = Polled()

    async with polling(polled, interval=10):
        await asyncio.sleep(35)

    assert polled.times == [10, 20, 30]


async def test_a_poll_at_launch_comes_at_once() -> None:
    polled = Polled()

    async with polling(polled, interval=10, at_launch=True):
        await asyncio.sleep(15)

    assert polled.times == [0, 10]


async def test_polls_never_overlap_and_missed_ones_are_not_made_up_for() -> None:
    polled = Polled()
    polled.duration = 25

    async with polling(polled, interval=10):
        await asyncio.sleep(70)

    assert polled.times == [10, 35, 60]


async def test_the_random_delay_does_not_shift_the_grid() -> None:
    polled = Polled()
    delays = iter([3.0, 1.0, 4.0, 0.0])

    async with polling(polled, jitter=lambda low, high: next(delays), interval=10):
        await asyncio.sleep(36)

    assert polled.times == [13, 21, 34]


async def test_a_forced_poll_comes_at_once_or_after_the_one_that_runs() -> None:
    polled = Polled()
    polled.duration = 2

    async with polling(polled, interval=100) as loop:
        await asyncio.sleep(1)
        loop.force()
        await asyncio.sleep(1)
        loop.force()
        loop.force()
        await asyncio.sleep(20)

    assert polled.times == [1, 3]


async def test_without_an_interval_polls_come_only_when_forced() -> None:
    polled = Polled()

    async with polling(polled, interval=0) as loop:
        await asyncio.sleep(10_000)
        loop.force()
        await asyncio.sleep(10_000)

    assert polled.times == [10_000]


async def test_a_failure_is_logged_once_while_it_lasts_and_so_is_its_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    polled = Polled()
    polled.failures = [PollFailed("gone"), PollFailed("gone"), ValueError("odd"), None, None]

    with caplog.at_level(logging.INFO, "chargehand.intake.polling"):
        async with polling(polled, interval=10):
            await asyncio.sleep(55)

    assert len(polled.times) == 5
    assert [record.getMessage() for record in caplog.records] == [
        "it: gone (polling continues)",
        "it: ValueError: odd (polling continues)",
        "it: polling works again after 3 failed polls",
    ]


async def test_its_state_is_reported_when_it_changes_and_again_where_that_failed() -> None:
    polled = Polled()
    polled.failures = [None, None, PollFailed("gone"), PollFailed("gone"), None, None]
    warnings: list[str] = []
    reported: list[tuple[float, str, str | None]] = []

    async def report(health: SourceHealth) -> None:
        time = asyncio.get_running_loop().time()
        if time == 30:
            raise OSError("the database is away")
        reported.append((time, health.state.value, health.sentence))
        if health.state is SourceState.FAILING:
            warnings.append("odd")

    loop = PollingLoop(
        name="it",
        poll=polled.poll,
        schedule=Schedule(interval=10),
        warnings=lambda: warnings,
        report=report,
    )
    tasks = Tasks("test")
    tasks.spawn(loop.run(), name="loop")
    await asyncio.sleep(65)
    await tasks.close()

    assert reported == [
        (10, "ok", None),
        (40, "failing", "gone"),
        (50, "warning", "odd"),
    ]


async def test_a_warning_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    polled = Polled()
    loop = PollingLoop(
        name="it", poll=polled.poll, schedule=Schedule(interval=10), warnings=lambda: ["odd"]
    )
    tasks = Tasks("test")
    tasks.spawn(loop.run(), name="loop")
    await asyncio.sleep(65)
    await tasks.close()

    assert [record.getMessage() for record in caplog.records] == ["it: odd"]
