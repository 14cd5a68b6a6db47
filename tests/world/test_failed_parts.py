"""Parts of a configuration that cannot be started: the rest runs, and nobody is told otherwise."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chargehand.domain.failed_part import FailedPart
from chargehand.domain.result import Result
from chargehand.testing.world import World, world

CONFIG = """
from buildbot.plugins import *
from buildbot.util.service import BuildbotService
import builtins

def fail_at(where):
    if where in builtins.failing_parts:
        raise RuntimeError(f'{where} failed')

class Service(BuildbotService):
    name = 'pager'
    started = stopped = 0

    def reconfigService(self, channel):
        fail_at('reconfigService')
        self.channel = channel

    async def startService(self):
        await super().startService()
        assert self.channel == 7
        self.started += 1
        fail_at('startService')

    def stopService(self):
        self.stopped += 1
        return super().stopService()

class Source(changes.ChangeSource):
    def startService(self):
        fail_at('source')
        return super().startService()

class Scheduler(schedulers.SingleBranchScheduler):
    def activate(self):
        fail_at('scheduler')
        return super().activate()

c = BuildmasterConfig = {}
c['workers'] = [worker.LocalWorker('local')]
c['builders'] = [util.BuilderConfig(name='b', workernames=['local'],
    factory=util.BuildFactory([steps.ShellCommand(command=['true'])]))]
c['schedulers'] = [
    schedulers.ForceScheduler(name='force', builderNames=['b']),
    Scheduler(name='main', change_filter=util.ChangeFilter(branch='main'), builderNames=['b']),
]
c['change_source'] = [Source(name='source')]
c['services'] = builtins.made_services = [Service(7)]
"""


def _fail(monkeypatch: pytest.MonkeyPatch, *where: str) -> None:
    monkeypatch.setattr("builtins.failing_parts", set(where), raising=False)
    monkeypatch.setattr("builtins.made_services", [], raising=False)


@pytest.mark.parametrize(
    ("where", "kind", "name"),
    [
        ("reconfigService", "service", "pager"),
        ("startService", "service", "pager"),
        ("source", "change source", "source"),
        ("scheduler", "scheduler", "main"),
    ],
)
async def test_a_failed_part_is_named_and_the_rest_builds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, kind: str, name: str
):
    _fail(monkeypatch, where)
    async with world(CONFIG, path=tmp_path) as ci:
        reason = f"RuntimeError: {where} failed"
        assert ci.master.failed_parts == [FailedPart(kind=kind, name=name, reason=reason)]
        assert await _not_ready(ci) == [{"kind": kind, "name": name}]
        assert (await ci.build("b")).result is Result.SUCCESS

        _fail(monkeypatch)
        await ci.reconfigure(CONFIG)

        assert ci.master.failed_parts == []
        assert await _not_ready(ci) == []


async def test_all_that_failed_is_named_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    _fail(monkeypatch, "startService", "source", "scheduler")
    async with world(CONFIG, path=tmp_path) as ci:
        kinds = [part.kind for part in ci.master.failed_parts]

        assert kinds == ["scheduler", "change source", "service"]
        sentence = ci.master.failed_parts[0].sentence
        assert sentence == "scheduler main is not running: RuntimeError: scheduler failed"


async def test_what_a_failed_service_had_opened_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    _fail(monkeypatch, "startService")
    import builtins

    async with world(CONFIG, path=tmp_path):
        [service] = builtins.made_services

        assert (service.started, service.stopped) == (1, 1)


async def _not_ready(ci: World) -> object:
    answer = json.loads(await ci.fetch("/ready"))
    assert answer["status"] == "ready"
    return answer["failed"]
