"""What was started is stopped, at whatever moment the master is killed."""

from __future__ import annotations

import pytest
from written import started, written

from chargehand.domain.result import Result
from chargehand.testing.world import World

_SERVICE = """
import json
from pathlib import Path
from buildbot.worker import AbstractLatentWorker

class Service:
    '''A provider of machines; the file has what runs, whatever becomes of the master.'''
    path = HERE / 'machines'

    def change(self, change):
        running = json.loads(self.path.read_text()) if self.path.exists() else {}
        change(running)
        self.path.write_text(json.dumps(running))
        return running

    def create(self, id, labels):
        self.change(lambda running: running.update({id: labels}))

    def delete(self, id):
        self.change(lambda running: running.pop(id))

async def until_told(name):
    (HERE / f'reached {name}').touch()
    while not (HERE / f'go on {name}').exists():
        await asyncio.sleep(1)

class CloudWorker(AbstractLatentWorker):
    service = Service()
    stop_at = ''

    async def reach(self, name):
        if name == self.stop_at:
            await until_told(name)

    async def start_instance(self, build):
        await self.reach('before it is created')
        self.instance = 'i-' + self.instance_name
        self.service.create(self.instance, self.instance_labels)
        await self.reach('after it is created')
        await self.record_instance(self.instance)
        await self.reach('after it is recorded')
        return [self.instance]

    async def stop_instance(self, fast=False):
        await self.reach('before it is stopped')
        if self.instance is None:
            named = 'i-' + self.instance_name
            if named in self.service.change(dict):
                self.instance = named
        if self.instance is not None and self.instance in self.service.change(dict):
            self.service.delete(self.instance)
        await self.reach('after it is stopped')
        self.instance = None
"""


def _configuration(stop_at: str = "", *, wait: int = 0, worker: str = "cloud") -> str:
    return (
        "import asyncio\n"
        + _SERVICE
        + f"CloudWorker.stop_at = {stop_at!r}\n"
        + f"c['workers'].append(CloudWorker('{worker}', None, build_wait_timeout={wait}))\n"
        + f"add('b', blocking('step'), workernames=['{worker}'])\n"
    )


def _machines(ci: World) -> str:
    path = ci.path / "machines"
    return path.read_text() if path.exists() else "{}"


@pytest.mark.parametrize(
    "moment",
    [
        "before it is created",
        "after it is created",
        "after it is recorded",
        "before it is stopped",
        "after it is stopped",
    ],
)
async def test_nothing_is_left_of_a_machine_whose_master_was_killed(moment: str) -> None:
    async with started(_configuration(moment)) as ci:
        request = await ci.force("b")
        if "stopped" in moment:
            await _run(ci)

        async def reached() -> bool:
            return (ci.path / f"reached {moment}").exists()

        await ci.until(moment, reached)
        await ci.crash()
        await ci.start(written(_configuration()))
        if "stopped" in moment:
            await ci.sleep(1)
        else:
            await _run(ci)
        assert (await ci.finished(request)).result is Result.SUCCESS
        await ci.settle()

        assert _machines(ci) == "{}"
        assert {one["state"] for one in await ci.get("instances")} == {"stopped"}
        names = [line for line in ci.log.splitlines() if "was started: i-" in line]
        assert len(names) == len(set(names))


async def test_what_a_removed_worker_has_left_is_told_and_stopped_when_it_is_back() -> None:
    async with started(_configuration()) as ci:
        await ci.force("b")
        await ci.sleep(1)
        await ci.crash()
        await ci.start(written("add('c', sh('true'), workernames=['local'])\n"))

        (record,) = await ci.get("instances")
        assert (record["state"], record["reason"]) == (
            "stranded",
            "its worker is no longer configured; it may still run",
        )
        assert f'instance {record["name"]} (i-{record["name"]}) of worker "cloud" may' in ci.log
        page = await ci.fetch(f"/plain/workers/{record['workerid']}")
        assert b"no longer configured; it may still run" in page
        assert record["name"] in _machines(ci)

        await ci.reconfigure(written("import asyncio\n" + _SERVICE + _NO_BUILDS))
        await ci.sleep(1)
        assert _machines(ci) == "{}"
        assert {one["state"] for one in await ci.get("instances")} == {"stopped"}


async def test_what_no_record_names_is_found_by_its_label() -> None:
    text = (
        "import asyncio\n"
        + _SERVICE
        + """
class Listing(CloudWorker):
    def find_instances(self):
        return [(labels['chargehand.instance'], id)
                for id, labels in self.service.change(dict).items()
                if labels['chargehand.master'] == self.fleet_label]

    def stop_found_instance(self, value):
        self.service.delete(value)

    async def stop_instance(self, fast=False):
        if forgetful:
            self.instance = None
        else:
            await super().stop_instance(fast)

forgetful = %s
c['workers'] += [Listing(name, None, build_wait_timeout=-1) for name in %s]
add('b', sh('true'), workernames=['%s'])
"""
    )
    async with started(text % (True, ["one", "two"], "one")) as ci:
        await ci.build("b")
        (record,) = await ci.get("instances")
        ours = f"i-{record['name']}"
        await ci.reconfigure(written(text % (True, ["one", "two", "three"], "one")))
        await ci.sleep(700)
        assert ours in _machines(ci), "it is in use"

        await ci.reconfigure(written(text % (True, ["two"], "two")))
        await ci.sleep(700)
        assert _machines(ci) == "{}"
        assert f"stopping instance {record['name']}, which no worker uses" in ci.log


async def test_a_stop_that_fails_is_tried_again_and_then_told() -> None:
    text = (
        "import asyncio\n"
        + _SERVICE
        + """
class Stubborn(CloudWorker):
    async def stop_instance(self, fast=False):
        with open(HERE / 'attempts', 'a') as file:
            file.write('x')
        if (HERE / 'attempts').stat().st_size <= %d:
            raise OSError('no answer')
        await super().stop_instance(fast)

c['workers'] += [Stubborn('cloud', None, build_wait_timeout=0)]
add('b', sh('true'), workernames=['cloud'])
"""
    )
    async with started(text % 5) as ci:
        await ci.build("b")
        await ci.sleep(1)
        (record,) = await ci.get("instances")
        assert record["state"] == "stopping"
        assert record["reason"] == "could not be stopped: OSError: no answer"
        await ci.sleep(66)
        (record,) = await ci.get("instances")
        assert record["state"] == "stranded"

        assert (await ci.build("b")).result is Result.SUCCESS  # It does not block the worker.
        await ci.restart()
        await ci.sleep(1)
        assert record["name"] not in _machines(ci)


@pytest.mark.parametrize("is_connected", [False, True])
async def test_nothing_is_left_of_a_machine_that_runs(is_connected: bool) -> None:
    async with started(_configuration()) as ci:
        ci.worker("cloud").is_there = is_connected
        await ci.force("b")
        await ci.sleep(2)
        (record,) = await ci.get("instances")
        assert record["state"] == ("running" if is_connected else "connecting")
        assert record["identity"] == [f"i-{record['name']}"]
        await ci.crash()
        assert record["name"] in _machines(ci)
        ci.worker("cloud").is_there = True
        await ci.start(written("import asyncio\n" + _SERVICE + _NO_BUILDS))
        await ci.sleep(1)

        assert _machines(ci) == "{}"
        (record,) = await ci.get("instances")
        assert record["state"] == "stopped"
        assert record["reason"] == "left over from before the master was restarted"


_NO_BUILDS = "c['workers'].append(CloudWorker('cloud', None))\nadd('c', sh('true'))\n"


async def _run(ci: World) -> None:
    """Let the build go through."""
    worker = ci.worker("cloud")

    async def runs() -> bool:
        return bool(worker.running)

    await ci.until("a build on the machine", runs)
    worker.let_go("block step")
    await ci.settle()


async def test_a_worker_that_is_told_to_stop_stops_its_machine() -> None:
    text = _configuration(wait=-1).replace("blocking('step')", "sh('true')")
    async with started(text) as ci:
        await ci.build("b")
        worker = await ci.one("workers/cloud")
        assert _machines(ci) != "{}"

        await ci.order(f"workers/{worker['workerid']}", "stop", reason="maintenance")
        await ci.sleep(1)
        assert _machines(ci) == "{}"
        (record,) = await ci.get("instances")
        assert (record["state"], record["reason"]) == (
            "stopped",
            "shutting down on request: maintenance, since 2026-01-01 00:00 UTC",
        )

        await ci.order(f"workers/{worker['workerid']}", "unpause")
        await ci.sleep(1)
        assert (await ci.build("b")).result is Result.SUCCESS
        assert [one["state"] for one in await ci.get("instances")] == ["running"]
