"""Methods that are called again and again are stopped between two calls, not within one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from buildbot._border import bridge
from buildbot.util import poll


class Looks:
    """Polls something for 5 seconds, as often as its method is called."""

    def __init__(self) -> None:
        self.told: list[str] = []

    @poll.method
    async def look(self) -> None:
        self.told.append("begins")
        await asyncio.sleep(5)
        self.told.append("ends")

    @poll.method
    async def once(self) -> None:
        self.told.append("once")
        await self.once.stop()
        self.told.append("stopped")


async def _a_scheduled_call(looks: Looks) -> None:
    looks.look.start(interval=60, now=True)
    await asyncio.sleep(1)
    await looks.look.stop()
    assert looks.told == ["begins", "ends"]


async def _a_call_by_hand(looks: Looks) -> None:
    called = looks.look()
    await asyncio.sleep(1)
    await looks.look.stop()
    assert looks.told == ["begins", "ends"]
    await called


async def _what_waits_for_its_turn(looks: Looks) -> None:
    called = looks.look()
    await asyncio.sleep(1)
    looks.look.start(interval=60, now=True)
    await asyncio.sleep(1)
    await looks.look.stop()
    await called
    assert looks.told == ["begins", "ends"]


async def _the_method_itself(looks: Looks) -> None:
    looks.once.start(interval=60, now=True)
    await asyncio.sleep(1)
    assert looks.told == ["once", "stopped"]
    looks.once.start(interval=60)  # It may be started again.
    await looks.once.stop()


async def _one_that_is_given_up(looks: Looks) -> None:
    looks.look.start(interval=60, now=True)
    await asyncio.sleep(1)
    stopping = looks.look.stop()
    stopping.addErrback(lambda _: None)
    await asyncio.sleep(1)
    stopping.cancel()
    await asyncio.sleep(100)
    assert looks.told == ["begins"]


@pytest.mark.looptime
@pytest.mark.parametrize(
    "case",
    [
        _a_scheduled_call,
        _a_call_by_hand,
        _what_waits_for_its_turn,
        _the_method_itself,
        _one_that_is_given_up,
    ],
)
async def test_stop_waits_for_what_runs(case: Callable[[Looks], Awaitable[Any]]) -> None:
    bridge.install(asyncio.get_running_loop())
    looks = Looks()
    await bridge.inward(case, looks)
    told = list(looks.told)
    await asyncio.sleep(200)
    assert looks.told == told
