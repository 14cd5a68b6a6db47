"""A start that works in a thread cannot be interrupted: what it makes after it was given up is
stopped, too."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from written import started

from chargehand.testing.world import World

_WORKER = """
import time
from twisted.internet import defer, threads
from buildbot.worker import AbstractLatentWorker

def create(name):
    '''What a client of a cloud does that blocks: it takes until the test allows it to go on.'''
    (HERE / 'creating').touch()
    while not (HERE / 'may create').exists():
        time.sleep(0.01)
    (HERE / 'machine').write_text(name)
    return name

class CloudWorker(AbstractLatentWorker):
    def stop_instance(self, fast=False):
        with open(HERE / 'told', 'a') as file:
            file.write(f'stop {self.instance} fast={fast}\\n')
        if self.instance is not None:
            (HERE / 'machine').unlink()
        self.instance = None
        return defer.succeed(None)
"""
_STARTS = {
    "a coroutine": """
class Cloud(CloudWorker):
    async def start_instance(self, build):
        self.instance = await threads.deferToThread(create, 'm1')
        await self.record_instance(self.instance)
        return [self.instance]
""",
    "callbacks": """
class Cloud(CloudWorker):
    @defer.inlineCallbacks
    def start_instance(self, build):
        self.instance = yield threads.deferToThread(create, 'm1')
        return True
""",
    "plain callbacks": """
class Cloud(CloudWorker):
    def start_instance(self, build):
        started = threads.deferToThread(str, 'm1').addCallback(self.create)
        return started.addCallback(self.keep)
    def create(self, name):
        return threads.deferToThread(create, name)
    def keep(self, name):
        self.instance = name
        return True
""",
    "what it waits for in turn": """
class Cloud(CloudWorker):
    async def start_instance(self, build):
        async def made():
            return await threads.deferToThread(create, 'm1')
        (self.instance,) = await asyncio.gather(made())
""",
}


def _configuration(start: str) -> str:
    return (
        "import asyncio\n"
        + _WORKER
        + _STARTS[start]
        + "c['protocols'] = {'pb': {'port': 'tcp:0:interface=127.0.0.1'}}\n"
        + "c['workers'].append(Cloud('cloud', None, missing_timeout=60, build_wait_timeout=0))\n"
        + "add('b', sh('true'), workernames=['cloud'])\n"
    )


async def _until_there(path: Path) -> None:
    while not path.exists():
        await asyncio.to_thread(lambda: None)


async def _state(ci: World) -> tuple[str, str]:
    (instance,) = await ci.get("instances")
    return instance["state"], instance["reason"]


@pytest.mark.parametrize("start", _STARTS)
async def test_what_a_start_makes_after_it_was_given_up_is_stopped(start: str) -> None:
    async with started(_configuration(start)) as ci:
        await ci.force("b")
        await _until_there(ci.path / "creating")
        await ci.sleep(61)

        assert "start_instance did not return within 60 s" in ci.log
        assert "start_instance was given up, and has not ended yet" in await _log_later(ci)
        assert not (ci.path / "told").exists()
        assert (await _state(ci))[0] == "stopping"
        (ci.path / "may create").touch()
        await _until_there(ci.path / "told")
        await ci.sleep(1)
        assert (ci.path / "told").read_text() == "stop m1 fast=False\n"
        assert not (ci.path / "machine").exists()
        assert (await _state(ci))[0] == "stopped"


async def _log_later(ci: World) -> str:
    await ci.sleep(3)
    return ci.log


async def test_a_master_that_stops_waits_for_it_and_records_what_may_be_left() -> None:
    async with started(_configuration("a coroutine")) as ci:
        await ci.force("b")
        await _until_there(ci.path / "creating")
        began = ci.now
        await ci.restart()
        assert ci.now - began < 60
        told = (ci.path / "told").read_text().splitlines()
        assert told[0] == "stop None fast=True"
        assert "what it starts is not stopped" in ci.log
        (ci.path / "may create").touch()


async def test_builds_do_not_wait_for_a_start_that_does_not_end() -> None:
    configuration = _configuration("a coroutine") + (
        "def latent_first(builder, workers, request):\n"
        "    return sorted(workers, key=lambda one: one.worker.name)[0]\n"
        "add('either', sh('true'), workernames=['cloud', 'local'], nextWorker=latent_first)\n"
    )
    async with started(configuration) as ci:
        await ci.force("b")
        await _until_there(ci.path / "creating")
        await ci.sleep(75)

        again, *_ = (build for build in ci.builds("b") if build.number == 2)
        words = "its last start_instance, which was given up, has not ended yet"
        assert again.state.startswith(f"retry (worker cloud could not be started: {words}")
        (cloud,) = await ci.get("workers?name=cloud")
        assert words in cloud["pause_reason"]
        build = await ci.build("either")
        assert (await ci.properties(build))["workername"] == ["local", "Worker"]
        await ci.sleep(4500)
        assert "an earlier start_instance, which was given up, has not ended yet" in ci.log
        (ci.path / "may create").touch()


async def test_a_worker_whose_start_has_ended_after_all_is_tried_again_at_once() -> None:
    async with started(_configuration("a coroutine")) as ci:
        await ci.force("b")
        await _until_there(ci.path / "creating")
        await ci.sleep(400)
        (cloud,) = await ci.get("workers?name=cloud")
        assert "has not ended yet (6 failures in a row)" in cloud["pause_reason"]

        (ci.path / "may create").touch()
        await _until_there(ci.path / "told")
        tried_again_at = ci.now
        while (build := ci.last_build("b")).state != "build successful":
            await asyncio.to_thread(lambda: None)
        assert build.number == 7
        assert ci.now - tried_again_at < 30
