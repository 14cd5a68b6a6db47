"""Reconfigurations that are asked for at the same time, or while the master stops."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from written import written

from chargehand.testing.world import World, world

_CONFIGURATION = """
    import builtins
    from buildbot.util.service import BuildbotService

    class Slow(BuildbotService):
        name = 'slow'
        def checkConfig(self, number):
            pass
        def reconfigService(self, number):
            self.number = number
        async def startService(self):
            await super().startService()
            notes = builtins.notes
            notes['calls'].append(f'start {self.number}')
            await notes['may start'].wait()
            notes['calls'].append(f'started {self.number}')
        async def stopService(self):
            await super().stopService()
            builtins.notes['calls'].append(f'stop {self.number}')

    add('b')
    c['services'] = [Slow(NUMBER)]
    """


class Reconfigured:
    """A world with a service that takes its time to start."""

    def __init__(self, ci: World, notes: dict[str, Any]) -> None:
        self.ci = ci
        self.calls: list[str] = notes["calls"]
        self.may_start: asyncio.Event = notes["may start"]

    async def reconfigure(self, number: int) -> asyncio.Task[str]:
        """Ask for a reconfiguration, and let it come as far as it can."""
        task = asyncio.create_task(self.ci.reconfigure(_numbered(number)))
        await self.ci.settle()
        return task


def _numbered(number: int) -> str:
    return written(_CONFIGURATION.replace("NUMBER", str(number)))


@pytest.fixture
async def reconfigured(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Reconfigured]:
    notes = {"calls": [], "may start": asyncio.Event()}
    monkeypatch.setattr("builtins.notes", notes, raising=False)
    found_may_start = notes["may start"]
    assert isinstance(found_may_start, asyncio.Event)
    found_may_start.set()
    async with world(_numbered(1)) as ci:
        found_may_start.clear()
        yield Reconfigured(ci, notes)
        found_may_start.set()


async def test_they_are_carried_out_one_after_the_other(reconfigured: Reconfigured) -> None:
    first = await reconfigured.reconfigure(2)
    second = await reconfigured.reconfigure(3)
    before = list(reconfigured.calls)
    reconfigured.may_start.set()
    await asyncio.gather(first, second)

    assert before == ["start 1", "started 1", "stop 1", "start 2"]
    assert reconfigured.calls[4:] == ["started 2", "stop 2", "start 3", "started 3"]


async def test_what_one_of_them_starts_is_stopped_with_the_master(
    reconfigured: Reconfigured,
) -> None:
    running = await reconfigured.reconfigure(2)
    stopping = asyncio.create_task(reconfigured.ci.stop())
    await reconfigured.ci.settle()
    reconfigured.may_start.set()
    await asyncio.gather(running, stopping, return_exceptions=True)

    assert reconfigured.calls[-3:] == ["start 2", "started 2", "stop 2"]
