"""Lists are lists, and defaults are Buildbot's, in what users' functions and steps read."""

from __future__ import annotations

from typing import Any

import pytest
from written import started

_CONFIGURATION = """
import builtins

def look(place, builder):
    config = builder.config
    builtins.told[place] = {name: type(getattr(config, name)).__name__ for name in (
        'builddir', 'collapseRequests', 'defaultProperties', 'description', 'env', 'factory',
        'locks', 'name', 'nextBuild', 'properties', 'tags', 'workerbuilddir', 'workernames')}
    builtins.told[place] |= {'builder.tags': type(builder.tags).__name__,
                             'botmaster': builder.botmaster is builder.master.botmaster,
                             'project': builder.project_name}

class Looks(steps.BuildStep):
    async def run(self):
        look('step', self.build.builder)
        self.build.builder.config.tags.index('fast')
        builtins.told['build'] = {name: type(getattr(self.build, name)).__name__ for name in (
            'env', 'executedSteps', 'locks', 'requests', 'stepFactories', 'steps')}
        builtins.told['worker'] = {name: type(getattr(self.worker, name)).__name__ for name in (
            'defaultProperties', 'info', 'locks', 'notify_on_missing', 'properties',
            'worker_commands', 'worker_environ', 'workerforbuilders')}
        builtins.told['returned'] = [
            await self.addCompleteLog('text', 'x'), await self.addHTMLLog('page', '<p>'),
            await self.addURL('u', 'http://u'), self.setProperty('p', 1, 's'),
            self.addLogObserver('text', util.LogLineObserver()),
            await self.build.getBuilderId() == self.build.builderid]
        config = self.master.config
        builtins.told['config'] = {name: getattr(config, name) for name in (
            'changeHorizon', 'codebaseGenerator', 'collapseRequests', 'logMaxSize', 'machines',
            'manhole', 'metrics', 'mq', 'multiMaster', 'prioritizeBuilders', 'projects',
            'secretsProviders', 'select_next_worker', 'status', 'user_managers')}
        builtins.told['config'] |= {
            'properties': config.properties.getProperty('everywhere'),
            'change_sources': [source.name for source in config.change_sources],
            'schedulers': type(config.schedulers).__name__, 'db': config.db.engine_kwargs,
            'url': config.db.db_url == config.db['db_url'] == 'sqlite:///state.sqlite'}
        return util.SUCCESS

def nextBuild(builder, requests):
    look('nextBuild', builder)
    return requests[0]

def canStartBuild(builder, wfb, request):
    look('canStartBuild', builder)
    return True

c['db'] = {'db_url': 'sqlite:///state.sqlite'}
c['properties'] = {'everywhere': 3}
c['change_source'] = changes.PBChangeSource(port='tcp:0')
add('b', Looks(), tags=['fast'], nextBuild=nextBuild, canStartBuild=canStartBuild,
    locks=[util.MasterLock('l').access('counting')])
"""

_CONFIG = {
    "builddir": "str",
    "collapseRequests": "NoneType",
    "defaultProperties": "dict",
    "description": "NoneType",
    "env": "dict",
    "factory": "BuildFactory",
    "locks": "list",
    "name": "str",
    "nextBuild": "function",
    "properties": "dict",
    "tags": "list",
    "workerbuilddir": "str",
    "workernames": "list",
    "builder.tags": "list",
    "botmaster": True,
    "project": None,
}


async def test_lists_are_lists_wherever_a_builder_or_the_configuration_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: dict[str, Any] = {}
    monkeypatch.setattr("builtins.told", told, raising=False)
    async with started(_CONFIGURATION) as ci:
        build = await ci.build("b")
        assert build.result == 0, ci.log

    for place in ("step", "nextBuild", "canStartBuild"):
        assert told[place] == _CONFIG, place
    assert set(told["build"].values()) == {"list", "dict"}
    assert told["worker"] == {
        "defaultProperties": "Properties",
        "info": "Properties",
        "locks": "list",
        "notify_on_missing": "list",
        "properties": "Properties",
        "worker_commands": "dict",
        "worker_environ": "dict",
        "workerforbuilders": "dict",
    }
    assert told["returned"] == [None] * 5 + [True]
    empty = ("machines", "projects", "secretsProviders", "status", "user_managers")
    assert told["config"] == {
        **dict.fromkeys(
            (
                *("changeHorizon", "codebaseGenerator", "logMaxSize"),
                *("manhole", "metrics", "prioritizeBuilders", "select_next_worker"),
            )
        ),
        **{name: [] for name in empty},
        "collapseRequests": False,
        "mq": {"type": "simple"},
        "multiMaster": False,
        "properties": 3,
        "change_sources": ["PBChangeSource:tcp:0"],
        "schedulers": "dict",
        "db": {},
        "url": True,
    }


_STOPPED = """
import builtins

class Tells(steps.BuildStep):
    alwaysRun = True
    def run(self):
        builtins.told.append((self.build.stopped, self.build.stopped_reason))
        return util.SUCCESS

add('b', Tells(), blocking('slow'), Tells())
"""


async def test_a_step_that_always_runs_reads_that_its_build_was_stopped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[tuple[bool, str | None]] = []
    monkeypatch.setattr("builtins.told", told, raising=False)
    async with started(_STOPPED) as ci:
        await ci.force("b")
        await ci.sleep(1)
        await ci.order("builds/1", "stop", reason="enough")
        await ci.until_idle()

    assert told == [(False, None), (True, "enough")]
