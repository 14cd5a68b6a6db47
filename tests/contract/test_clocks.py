"""What everything needs of a clock: those of tests and the machine's keep the same promises."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from chargehand.kit.clock import Clock, SystemClock
from chargehand.testing.scheduling_stores import LoopClock
from chargehand.testing.world import VirtualClock

_A_DAY = 86_400.0


@pytest.fixture(params=["system", "loop", "virtual"])
async def clock(request: pytest.FixtureRequest) -> Clock:
    match request.param:
        case "loop":
            return LoopClock(_A_DAY)
        case "virtual":
            return VirtualClock(asyncio.get_running_loop())
        case _:
            return SystemClock()


async def test_dates_are_aware_and_in_utc(clock: Clock) -> None:
    now = clock.now()

    assert now.utcoffset() == timedelta(0)


async def test_dates_and_seconds_are_the_same_time_and_never_go_back(clock: Clock) -> None:
    first = clock.timestamp()
    between = clock.now().timestamp()
    second = clock.timestamp()

    assert 0 < first <= between + 1e-5
    assert between <= second + 1e-5
