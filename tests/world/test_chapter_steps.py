"""The chapter about customization: its remaining examples of steps, services, and deployment."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
from written import started, written

from buildbot._border.errors import ConfigErrors
from chargehand.domain.result import Result

_STEPS = """
import stat
from twisted.internet import defer
from buildbot.interfaces import BuildSlaveToOldError
from buildbot.process import buildstep
from buildbot.process.buildstep import RemoteCommand, ShellMixin

class MyStep(steps.BuildStep):
    name = 'mine'
    def __init__(self, someopt=None, anotheropt=None, **kwargs):
        self.someopt, self.anotheropt = someopt, anotheropt
        self.runs = []
        steps.BuildStep.__init__(self, **kwargs)
    def run(self):
        self.runs.append(self.someopt)
        self.setProperty('mine', [self.runs, self.anotheropt])
        return util.SUCCESS

class UsesLogs(buildstep.BuildStep):
    name = 'uses logs'
    lint_results = {'E501': 2, 'W291': 1}
    @defer.inlineCallbacks
    def run(self):
        cmd = buildstep.RemoteShellCommand('.', ['echo', 'said'])
        log = yield self.addLog('stdio')
        cmd.useLog(log, closeWhenFinished=True, logfileName='stdio')
        yield self.runCommand(cmd)
        stdioLog = self.getLog('stdio')
        assert stdioLog is log
        summary = u'\\n'.join('%s: %s' % (k, count)
                             for (k, count) in self.lint_results.items())
        yield self.addCompleteLog('summary', summary)
        updates = yield self.addLog('updates')
        for some_update in (u'one\\n', u'two\\n'):
            yield updates.addStdout(some_update)
        yield updates.finish()
        yield self.addHTMLLog('page', u'<b>bold</b>')
        url = 'http://example.org/%s' % 'report'
        yield self.addURL('coverage', url)
        return cmd.results()

class Collects(buildstep.BuildStep):
    name = 'collects'
    async def run(self):
        cmd = buildstep.RemoteShellCommand('.', ['echo', 'small'], collectStdout=True,
                                           stdioLogName=None)
        await self.runCommand(cmd)
        self.setProperty('collected', [cmd.stdout, cmd.rc, cmd.didFail(), cmd.results()])
        return cmd.results()

class Counts(buildstep.BuildStep):
    name = 'counts'
    done = 0
    async def run(self):
        self.done = 7
        self.updateSummary()
        return util.SUCCESS
    def getCurrentSummary(self):
        return {'step': 'compiling file %d' % self.done}
    def getResultSummary(self):
        return {'step': 'compiled %d files' % self.done, 'build': '%d files' % self.done}

class OtherLog(util.LogLineObserver):
    def outLineReceived(self, line):
        self.step.heard.append(line)

class Two(steps.ShellCommand):
    '''An observer of a log that the worker reads from a file.'''
    name = 'two'
    def __init__(self, **kwargs):
        kwargs['logfiles'] = {'details': 'details.log'}
        steps.ShellCommand.__init__(self, **kwargs)
        self.heard = []
        self.addLogObserver('details', OtherLog())
    async def run(self):
        result = await steps.ShellCommand.run(self)
        self.setProperty('heard', self.heard)
        return result

class Finds(buildstep.BuildStep):
    '''How files are found since steps have run().'''
    name = 'finds'
    def __init__(self, dirname, **kwargs):
        buildstep.BuildStep.__init__(self, **kwargs)
        self.dirname = dirname
    async def run(self):
        if not all((self.workerVersion('stat'), self.workerVersion('glob'))):
            raise BuildSlaveToOldError('need stat and glob')
        cmd = RemoteCommand('stat', {'file': self.dirname})
        await self.runCommand(cmd)
        if cmd.didFail():
            self.descriptionDone = ['File not found.']
            return util.FAILURE
        s = cmd.updates['stat'][-1]
        if not stat.S_ISDIR(s[stat.ST_MODE]):
            self.descriptionDone = ["'tis not a directory"]
            return util.WARNINGS
        cmd = RemoteCommand('glob', {'glob': self.dirname + '/*.pyc'})
        await self.runCommand(cmd)
        self.descriptionDone = ['Found pycs', *cmd.updates['files'][-1]]
        listed = RemoteCommand('listdir', {'dir': self.dirname})
        await self.runCommand(listed)
        self.setProperty('listed', listed.updates['files'][-1])
        return util.SUCCESS

class Undecorated(buildstep.BuildStep):
    '''As the text shows run() where it lost the line above it.'''
    name = 'undecorated'
    def run(self):
        yield self.addCompleteLog('log', 'text')

f = util.BuildFactory()
f.addStep(MyStep(someopt="stuff", anotheropt=1))
c['builders'].append(util.BuilderConfig(name='mine', factory=f, workernames=['local']))
add('logs', UsesLogs(), Collects(), Counts(), Two(command=['two']))
add('finds', Finds('d'))
add('undecorated', Undecorated())
"""


async def test_a_step_is_its_own_factory() -> None:
    async with started(_STEPS) as ci:
        for _ in range(2):
            properties = await ci.properties(await ci.build("mine"))
            assert properties["mine"][0] == [["stuff"], 1]


async def test_steps_that_write_and_read_logs_have_links_and_summaries() -> None:
    async with started(_STEPS) as ci:
        ci.worker("local").on("two", files={"details": "first\nsecond\n"})
        build = await ci.build("logs")

        assert build.result is Result.SUCCESS, build.state
        assert "osaid\n" in await ci.text(build, "uses logs")
        assert await ci.text(build, "uses logs", "summary") == "E501: 2\nW291: 1\n"
        assert await ci.text(build, "uses logs", "updates") == "oone\notwo\n"
        assert await ci.text(build, "uses logs", "page") == "<b>bold</b>\n"
        (url,) = ci.step(build, "uses logs").urls
        assert (url.name, url.url) == ("coverage", "http://example.org/report")
        properties = await ci.properties(build)
        assert properties["collected"][0] == ["small\n", 0, False, 0]
        assert properties["heard"][0] == ["first", "second"]
        assert ci.step(build, "counts").state == "compiled 7 files"
        assert build.state == "build successful 7 files"


async def test_a_step_of_today_discovers_files() -> None:
    async with started(_STEPS) as ci:
        worker = ci.worker("local")
        worker.on("stat d", values={"stat": [0o040755]})
        worker.on("glob d/*.pyc", values={"files": ["d/a.pyc"]})
        worker.on("listdir d", values={"files": ["a.pyc", "a.py"]})

        build = await ci.build("finds")

        assert ci.step(build, "finds").state == "Found pycs d/a.pyc"
        assert (await ci.properties(build))["listed"][0] == ["a.pyc", "a.py"]


async def test_a_run_that_lost_its_decorator_is_named_with_the_way_to_mend_it() -> None:
    async with started(_STEPS) as ci:
        build = await ci.build("undecorated")

        assert build.result is Result.EXCEPTION
        assert "inlineCallbacks" in build.state


@pytest.mark.parametrize(
    ("mistake", "sentence"),
    [
        (
            "MyStep(some='stuff')",
            'MyStep has no argument "some"',
        ),
        (
            "Frobnify()",
            "Frobnify argument how_many is required",
        ),
    ],
)
async def test_a_wrong_argument_is_shown_at_the_line_of_the_configuration(
    mistake: str, sentence: str
) -> None:
    frobnify = """
class Frobnify(steps.BuildStep):
    def __init__(self, how_many=None, **kwargs):
        if how_many is None:
            raise TypeError("Frobnify argument how_many is required")
        kwargs['haltOnFailure'] = True
        steps.BuildStep.__init__(self, **kwargs)
"""
    good = _STEPS + frobnify
    bad = good + f"add('bad', {mistake})\n"
    line = written(bad).splitlines().index(f"add('bad', {mistake})") + 1
    async with started(good) as ci:
        with pytest.raises(ConfigErrors) as caught:
            await ci.reconfigure(written(bad))

    assert sentence in str(caught.value)
    assert f"master.cfg:{line}" in str(caught.value)


_WHIMSICAL = """
from buildbot.plugins import steps, util

class FNURRRGHCounter(util.LogLineObserver):
    numTests = 0
    def outLineReceived(self, line):
        if "FNURRRGH!" in line:
            self.numTests += 1
            self.step.setProgress('tests', self.numTests)

class Framboozle(steps.ShellCommand):
    command = ["framboozler"]

    def __init__(self, **kwargs):
        steps.ShellCommand.__init__(self, **kwargs)     # always upcall!
        counter = FNURRRGHCounter()
        self.addLogObserver('stdio', counter)
        self.progressMetrics += ('tests',)
"""

_FOUR_WAYS = {
    "in the configuration": _WHIMSICAL + "add('b', Framboozle())\n",
    "from a file": "from framboozle import Framboozle\nadd('b', Framboozle())\n",
    "by module": "import framboozle\nadd('b', framboozle.Framboozle())\n",
    "as a plug-in": "add('b', steps.Framboozle())\n",
}


@pytest.mark.parametrize("way", _FOUR_WAYS)
async def test_framboozle_is_deployed_in_four_ways(
    way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = tmp_path / "library"
    (library / "framboozle-1.0.dist-info").mkdir(parents=True)
    (library / "framboozle.py").write_text(_WHIMSICAL)
    (library / "framboozle-1.0.dist-info/METADATA").write_text(
        "Metadata-Version: 2.1\nName: framboozle\nVersion: 1.0\n"
    )
    (library / "framboozle-1.0.dist-info/entry_points.txt").write_text(
        "[buildbot.steps]\nFramboozle = framboozle:Framboozle\n"
    )
    monkeypatch.syspath_prepend(str(library))
    async with started(_FOUR_WAYS[way], tmp_path) as ci:
        ci.worker("local").on("framboozler", output="FNURRRGH!\nFNURRRGH!\n", seconds=10)
        build = await ci.build("b")

        assert build.result is Result.SUCCESS
        assert (await ci.reconfigure(written(_FOUR_WAYS[way]))).endswith("nothing changed")


_STATUS = """
from buildbot.util.service import BuildbotService
from twisted.application import internet
from twisted.internet import defer

class Announcer(BuildbotService):
    '''Hears of builds, and runs a service of its own.'''
    name = 'announcer'
    def checkConfig(self, where):
        if not where:
            from buildbot import config
            config.error('Announcer needs a file')
    def reconfigService(self, where):
        self.where = where
    @defer.inlineCallbacks
    def startService(self):
        self.beats = internet.TimerService(60, self.note, 'beat')
        yield self.beats.setServiceParent(self)
        yield BuildbotService.startService(self)
        self.consumer = yield self.master.mq.startConsuming(
            self.finished, ('builds', None, 'finished'))
    @defer.inlineCallbacks
    def stopService(self):
        yield self.consumer.stopConsuming()
        yield BuildbotService.stopService(self)
        self.note('stopped')
    def note(self, what):
        with open(self.where, 'a') as file:
            print(what, file=file)
    @defer.inlineCallbacks
    def finished(self, key, build):
        found = yield self.master.data.get(('builders', build['builderid']))
        self.note('%s %d %d' % (found['name'], build['number'], build['results']))

c['services'] = [Announcer(str(HERE / 'notes'))]
add('b', sh('exit 1'))
"""


async def test_a_service_under_the_master_hears_of_builds_and_has_services_of_its_own() -> None:
    async with started(textwrap.dedent(_STATUS)) as ci:
        notes = ci.path / "notes"
        await ci.build("b")
        await ci.sleep(61)
        found = notes.read_text().splitlines()
        await ci.stop()

        assert sorted(found) == ["b 1 2", "beat", "beat"]
        assert notes.read_text().splitlines()[-1] == "stopped"
        await ci.start()
