"""What the guide to reaching the master shows, and what may go wrong with it."""

from __future__ import annotations

import asyncio
import gc
import logging
import weakref
from pathlib import Path
from typing import Any

import pytest
from how_to_code import code_of
from written import started, written

from chargehand.cli.log_file import LogFile
from chargehand.domain.result import Result

_TEXT = f"""{code_of("reach-the-master")}
add('counted', Counts(), Counts())
add('reads', Reconfigure(), sh('make after'))
for name in ('large', 'small', 'tiny', 'least'):
    add(name, blocking(name), canStartBuild=fits)
"""


async def test_the_guides_services_find_each_other_by_name() -> None:
    finds = """
class Finds(steps.BuildStep):
    def run(self):
        counter = self.master.namedServices['counter']
        assert counter is self.master.namedServices['services'].namedServices['counter']
        assert counter is self.master.namedServices.get('counter')
        assert 'force' in self.master.namedServices['schedulers'].namedServices
        assert self.master.namedServices.get('nothing') is None
        return util.SUCCESS
add('finds', Finds())
"""
    async with started(_TEXT + finds) as ci:
        build = await ci.build("counted")
        states = [step.state for step in ci.steps(build)]
        assert states == ["build 1 since the start", "build 2 since the start"]
        assert (await ci.build("finds")).result is Result.SUCCESS


async def test_a_step_reads_the_configuration_again_and_its_build_goes_on() -> None:
    async with started(_TEXT) as ci:
        file = ci.path / "master.cfg"
        file.write_text(written(_TEXT + "add('new', sh('true'))"))
        build = await ci.build("reads")

        assert build.result is Result.SUCCESS
        assert [step.name for step in ci.steps(build)] == ["reconfigure", "shell"]
        assert (await ci.build("new")).result is Result.SUCCESS

        file.write_text(written(_TEXT + "c['titel'] = 'x'"))
        build = await ci.build("reads")
        assert build.result is Result.EXCEPTION
        assert 'unknown key "titel"; did you mean "title"?' in build.state
        assert (await ci.build("new")).result is Result.SUCCESS


async def test_places_of_a_worker_say_which_are_busy_also_for_builds_about_to_start() -> None:
    async with started(_TEXT) as ci:
        requests = [await ci.force(name) for name in ("large", "small", "tiny", "least")]
        await ci.settle()

        running = [bool(ci.builds_of(request)) for request in requests]
        assert running == [True, True, False, False]

        ci.worker("local").let_go("block large")
        await ci.settle()
        assert [bool(ci.builds_of(request)) for request in requests] == [True] * 4


_DIRECTORIES = """
import builtins

class Latent(worker.LocalWorker):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.conn = 'its own'

class Reports(__import__('buildbot.reporters.base', fromlist=['x']).ReporterBase):
    async def who(self, buildid):
        return await self.getResponsibleUsersForBuild(self.master, buildid)

class Polls(__import__('buildbot.changes.base', fromlist=['x']).ReconfigurablePollingChangeSource):
    polled = 0
    async def poll(self):
        self.polled += 1

class Looks(steps.BuildStep):
    async def run(self):
        master, me = self.master, self.build.builder
        poller = master.change_svc.getServiceNamed('polls')
        counts = []
        for order in (poller.doPoll, poller.doPoll.stop, lambda: poller.doPoll.start(now=True)):
            await order()
            await asyncio.sleep(5)
            counts.append(poller.polled)
        builtins.told.update(
            workers=sorted(master.workers.workers),
            connections=sorted(master.workers.connections),
            named=master.workers.getWorkerByName('local').conn is not None,
            unknown=master.workers.getWorkerByName('no'),
            own=master.workers.workers['late'].conn,
            registered=master.workers.workers['local'].registration.getPBPort() == 9989,
            here=self.worker.conn is not None,
            builds=[me.getBuild(self.build.number).buildid, me.getBuild(77)],
            sources=[source.name for source in master.change_svc],
            polled=counts,
            running=[scheduler.running for scheduler in master.allSchedulers()],
            who='alice' in await master.config.services['reports'].who(self.build.buildid))
        return util.SUCCESS

c['workers'].append(Latent('late'))
c['protocols'] = {'pb': {'port': 'tcp:0'}}
c['change_source'] = Polls(name='polls', pollInterval=600)
c['services'] = [Reports(generators=[], name='reports')]
add('b', Looks(), properties={'owner': 'alice'})
"""


async def test_what_old_code_reaches_over_the_master_is_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: dict[str, object] = {}
    monkeypatch.setattr("builtins.told", told, raising=False)
    async with started("import asyncio\n" + _DIRECTORIES) as ci:
        build = await ci.build("b")
        assert build.result == 0, ci.log

    assert told == {
        "workers": ["late", "local"],
        "connections": ["late", "local"],
        "named": True,
        "unknown": None,
        "own": "its own",
        "registered": False,
        "here": True,
        "builds": [1, None],
        "sources": ["polls"],
        "polled": [1, 1, 2],
        "running": [1],
        "who": True,
    }


_READS = """
from buildbot.process import remotecommand
from twisted.internet import threads

class Reads(steps.BuildStep):
    name = 'reads'
    async def run(self):
        loader = self.master.config_loader
        pool = self.master.reactor.getThreadPool()
        found = await threads.deferToThreadPool(self.master.reactor, pool, loader.loadConfig)
        self.setProperty('read', [found.title, [one.name for one in found.builders],
                                  self.master.config.title, loader.configFileName, loader.basedir])
        return util.SUCCESS

class Commands(steps.BuildStep):
    name = 'commands'
    async def run(self):
        command = remotecommand.RemoteCommand('mkdir', {'dir': 'new'})
        done = await command.run(self, self.remote, self.build.builder.name)
        assert done is command and self.remote is self.worker.conn
        return command.results()

class Rotates(steps.BuildStep):
    name = 'rotates'
    def run(self):
        rotation = self.master.log_rotation
        self.setProperty('rotation', [rotation.rotateLength, rotation.maxRotatedFiles])
        rotation.maxRotatedFiles = 200
        return util.SUCCESS

class Pages(steps.BuildStep):
    def run(self):
        self.master.www.apps.get('base').resource.putChild(b'x', None)

c['title'] = 'running'
add('reads', Reads())
add('commands', Commands())
add('rotates', Rotates())
add('pages', Pages())
"""


_NOTES_READINGS = """
import builtins, weakref

class Read:
    pass

builtins.readings.append(weakref.ref(Read))
"""


async def test_a_step_reads_the_configuration_without_putting_it_into_use() -> None:
    async with started(_READS) as ci:
        file = ci.path / "master.cfg"
        file.write_text(written(_READS + "c['title'] = 'in the file'\nadd('new', sh('true'))"))
        names = ["reads", "commands", "rotates", "pages", "new"]
        expected = ["in the file", names, "running", str(file), str(ci.path)]
        for _ in range(2):
            build = await ci.build("reads")
            assert build.result is Result.SUCCESS, build.state
            assert (await ci.properties(build))["read"][0] == expected

        file.write_text(written(_READS + "c['titel'] = 'x'"))
        assert 'unknown key "titel"' in (await ci.build("reads")).state
        assert (await ci.get("builders?order=builderid"))[-1]["name"] == "pages"


async def test_what_was_read_without_being_put_into_use_is_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    readings: list[weakref.ref[Any]] = []
    monkeypatch.setattr("builtins.readings", readings, raising=False)
    async with started(_READS + _NOTES_READINGS) as ci:
        for _ in range(2):
            assert (await ci.build("reads")).result is Result.SUCCESS
        kept = [True, True, True]
        for _ in range(100):  # A thread that has read it may not have let go yet.
            gc.collect()
            kept = [read() is not None for read in readings]
            if kept == [True, False, False]:
                break
            await asyncio.sleep(0)
        assert kept == [True, False, False]


async def test_a_command_may_be_run_on_the_steps_connection() -> None:
    async with started(_READS) as ci:
        assert (await ci.build("commands")).result is Result.SUCCESS


async def test_the_rotation_of_the_log_is_read_and_set(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "rotated.log", max_size=1000, count=None)
    logging.getLogger().addHandler(log)
    try:
        async with started(_READS) as ci:
            build = await ci.build("rotates")

            assert (await ci.properties(build))["rotation"][0] == [1000, None]
            assert log.count == 200
    finally:
        logging.getLogger().removeHandler(log)
        log.close()


async def test_pages_added_to_the_web_server_are_refused_with_what_to_use() -> None:
    async with started(_READS) as ci:
        build = await ci.build("pages")

        assert build.result is Result.EXCEPTION
        assert (
            "master.www is not supported; write a plug-in of the group buildbot.www" in build.state
        )
