"""Whatever published code reaches over its objects, in a running build, is there."""

from __future__ import annotations

from pathlib import Path

import pytest
from written import started

_NAMES = Path(__file__).parents[1] / "unit" / "data" / "reached_names.txt"

_CONFIGURATION = """
import builtins
from buildbot.changes.base import ReconfigurablePollingChangeSource
from buildbot.reporters.base import ReporterBase
from buildbot.util.service import BuildbotService

def look(kind, found):
    for one in builtins.reached.get(kind, ()):
        reached = found
        try:
            for part in one.split('.'):
                reached = getattr(reached, part)
        except AttributeError as error:
            builtins.missing.append((kind, one, str(error)))
    builtins.looked.add(kind)

class Looks(steps.ShellCommand):
    async def run(self):
        look('step', self); look('build', self.build); look('worker', self.worker)
        look('master', self.master); look('configured_worker', c['workers'][0])
        look('scheduler', self.master.config.schedulers['all'])
        look('service', self.master.config.services['mine'])
        look('builder', self.build.builder)
        for change in self.build.allChanges():
            look('change', change)
        command = await self.makeRemoteShellCommand()
        await self.runCommand(command)
        look('cmd', command)
        return command.results()

@util.renderer
def command(props):
    look('props', props)
    return ['true']

def doStepIf(step):
    look('step', step)
    return True

def nextBuild(builder, requests):
    look('builder', builder); look('request', requests[0])
    return requests[0]

def canStartBuild(builder, wfb, request):
    look('builder', builder); look('wfb', wfb); look('request', request); look('worker', wfb.worker)
    return True

class Polls(ReconfigurablePollingChangeSource):
    async def poll(self):
        look('changesource', self)
        await self.master.data.updates.addChange(author='me', files=['a'], comments='c',
            revision='r', branch='main', repository='repo')

class Mine(BuildbotService):
    pass

class Generator(reporters.BuildStatusGenerator):
    def generate(self, master, reporter, key, build):
        look('generator', self)
        return super().generate(master, reporter, key, build)

class Reports(ReporterBase):
    def sendMessage(self, reports):
        look('reporter', self)

def isImportant(change):
    look('change', change)
    return True

add('b', Looks(command=command, doStepIf=doStepIf), nextBuild=nextBuild,
    canStartBuild=canStartBuild)
c['schedulers'].append(schedulers.AnyBranchScheduler(
    name='all', builderNames=['b'], treeStableTimer=None, fileIsImportant=isImportant))
c['change_source'] = Polls(name='polls', pollInterval=600, pollAtLaunch=True)
c['services'] = [Mine(name='mine'), Reports(generators=[Generator()], name='reports')]
"""


async def test_what_published_code_reaches_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    names: dict[str, list[str]] = {}
    for line in _NAMES.read_text().splitlines():
        kind, name = line.split()
        names.setdefault(kind, []).append(name)
    missing: list[tuple[str, str, str]] = []
    looked: set[str] = set()
    for word, value in (("reached", names), ("missing", missing), ("looked", looked)):
        monkeypatch.setattr(f"builtins.{word}", value, raising=False)

    async with started(_CONFIGURATION) as ci:
        await ci.until_idle()
        await ci.settle()
        assert [build.result for build in ci.builds("b")] == [0], ci.log

    assert missing == []
    assert looked == set(names)
