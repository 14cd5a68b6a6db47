"""Reconfigurations that are asked for at the same time, or while the master stops."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from chargehand.app.master import Master
from chargehand.plugins.root import activate

activate()

CONFIG = """
import builtins
from buildbot.plugins import *
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
        notes['starting'].set()
        await notes['may start'].wait()
        notes['calls'].append(f'started {self.number}')
    async def stopService(self):
        await super().stopService()
        builtins.notes['calls'].append(f'stop {self.number}')

c = BuildmasterConfig = {}
c['workers'] = [worker.LocalWorker('local')]
c['builders'] = [util.BuilderConfig(name='b', workernames=['local'], factory=util.BuildFactory())]
c['schedulers'] = [schedulers.ForceScheduler(name='force', builderNames=['b'])]
c['services'] = [Slow(NUMBER)]
"""


class Reconfigured:
    """A master with a service that takes its time to start."""

    def __init__(self, path: Path, notes: dict[str, Any]) -> None:
        self._path = path / "master.cfg"
        self.calls = notes["calls"]
        self.starting, self.may_start = notes["starting"], notes["may start"]
        self.master = Master(basedir=path, config_path=self._path)

    def write(self, number: int) -> None:
        self._path.write_text(CONFIG.replace("NUMBER", str(number)))


@pytest.fixture
async def reconfigured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Reconfigured]:
    notes = {"calls": [], "starting": asyncio.Event(), "may start": asyncio.Event()}
    monkeypatch.setattr("builtins.notes", notes, raising=False)
    found = Reconfigured(tmp_path, notes)
    found.write(1)
    found.may_start.set()
    await found.master.start()
    found.may_start.clear()
    found.starting.clear()
    yield found
    found.may_start.set()
    await found.master.stop()


async def test_they_are_carried_out_one_after_the_other(reconfigured: Reconfigured) -> None:
    reconfigured.write(2)
    first = asyncio.ensure_future(reconfigured.master.reconfigure())
    await reconfigured.starting.wait()
    reconfigured.write(3)
    second = asyncio.ensure_future(reconfigured.master.reconfigure())
    await asyncio.sleep(0.2)  # time in which it could do what it must not
    reconfigured.may_start.set()
    await asyncio.gather(first, second)

    assert reconfigured.calls[2:] == [
        *("stop 1", "start 2", "started 2"),
        *("stop 2", "start 3", "started 3"),
    ]


async def test_what_one_of_them_starts_is_stopped_with_the_master(
    reconfigured: Reconfigured,
) -> None:
    reconfigured.write(2)
    running = asyncio.ensure_future(reconfigured.master.reconfigure())
    await reconfigured.starting.wait()
    stopping = asyncio.ensure_future(reconfigured.master.stop())
    await asyncio.sleep(0.2)  # time in which it could do what it must not
    reconfigured.may_start.set()
    await asyncio.gather(running, stopping, return_exceptions=True)

    assert reconfigured.calls[-3:] == ["start 2", "started 2", "stop 2"]
