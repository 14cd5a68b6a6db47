"""The examples of the chapter about customization, old and new style, in whole masters."""

from __future__ import annotations

from written import started, written

from chargehand.domain.result import Result

_OWN_BUILDS = """
from buildbot.process.build import Build

def build(name, kind, *steps_, workdir=None):
    f = util.BuildFactory(steps_)
    f.buildClass = kind
    if workdir is not None:
        f.workdir = workdir
    c['builders'].append(util.BuilderConfig(name=name, workernames=['local'], factory=f))

class Look(steps.BuildStep):
    name = 'look'
    def __init__(self, what, result=util.SUCCESS, **more):
        self.what, self.result = what, result
        super().__init__(**more)
    def run(self):
        self.setProperty('seen', self.what(self))
        return self.result

"""

_DYNAMIC = """
class DynamicBuild(Build):
    def setupProperties(self):
        Build.setupProperties(self)
        self.setProperty('mine', self.getProperty('buildername') + '!', 'DynamicBuild')

    def setStepFactories(self, step_factories):
        Build.setStepFactories(self, [*step_factories, sh('true', name='given')])

    def setupBuild(self):
        Build.setupBuild(self)
        if self.getProperty('mine') == 'dynamic!':
            self.addStepsAfterLastStep([sh('true', name='last')])

class AddsSteps(steps.BuildStep):
    name = 'adds'
    def run(self):
        self.build.addStepsAfterCurrentStep([sh('true', name='one'), sh('true', name='two')])
        return util.SUCCESS

build('dynamic', DynamicBuild, AddsSteps(), Look(lambda step: step.getProperty('mine')))

class Named(Build):
    def getWorkerName(self):
        return 'new ' + Build.getWorkerName(self)

class NamedOfOld(Build):
    def getSlaveName(self):
        return 'old ' + Build.getSlaveName(self)

class NamedTwice(Named, NamedOfOld):
    pass

def names(step):
    build = step.build
    return [build.getWorkerName(), build.getSlaveName(), build.slavename, step.getWorkerName()]

for kind in (Build, Named, NamedOfOld, NamedTwice):
    build(kind.__name__, kind, Look(names))

class Judges(Build):
    async def startBuild(self, workerforbuilder):
        await super().startBuild(workerforbuilder)
        self.judged = []
    async def stepDone(self, results, step):
        self.judged.append(step.name)
        halts = super().stepDone(results, step)
        if step.name == 'spoils':
            self.results = util.WARNINGS
        return halts
    def buildFinished(self, text, results):
        return Build.buildFinished(self, ['judged', *self.judged], results)

build('judges', Judges, sh('exit 1', name='spoils'), sh('true', name='fine'))

class Turns(Build):
    def getNextStep(self):
        return self.steps.pop() if self.steps else None
    def allStepsDone(self):
        return Build.buildFinished(self, [], util.FAILURE)

build('turns', Turns, sh('true', name='a'), sh('true', name='b'))
"""


async def test_a_build_class_decides_which_steps_run_and_what_comes_of_them() -> None:
    async with started(_OWN_BUILDS + _DYNAMIC) as ci:
        build = await ci.build("dynamic")
        names = [step.name for step in ci.steps(build)]
        assert names == ["adds", "one", "two", "look", "given", "last"]
        properties = await ci.properties(build)
        assert properties["mine"] == ["dynamic!", "DynamicBuild"]
        assert properties["seen"] == ["dynamic!", "Unknown"]

        judged = await ci.build("judges")
        assert (judged.result, judged.state) == (Result.WARNINGS, "judged spoils fine")

        turned = await ci.build("turns")
        assert [step.name for step in ci.steps(turned)] == ["b", "a"]
        assert turned.result is Result.FAILURE


async def test_the_workers_name_has_two_names_and_a_build_class_may_override_either() -> None:
    async with started(_OWN_BUILDS + _DYNAMIC) as ci:
        seen = {}
        for kind in ("Build", "Named", "NamedOfOld", "NamedTwice"):
            build = await ci.build(kind)
            seen[kind] = (await ci.properties(build))["seen"]

        assert seen == {
            "Build": [["local"] * 4, "Unknown"],
            "Named": [["new local"] * 4, "Unknown"],
            "NamedOfOld": [["old local"] * 4, "Unknown"],
            "NamedTwice": [["new local", "old local", "new local", "new local"], "Unknown"],
        }


_WRITES = """
def reads(step):
    return [step.build.reason, step.build.getReason(),
            [one.results for one in step.build.executedSteps]]

class Writes(steps.BuildStep):
    name = 'writes'
    def run(self):
        self.build.reason = 'written'
        return util.FAILURE
    def getResultSummary(self):
        self.results = util.WARNINGS
        return {'step': 'mended'}

build('writes', Build, Writes(warnOnWarnings=True), Look(reads))

class Fails(Build):
    def stepDone(self, results, step):
        raise ValueError('in stepDone')
build('stepDone', Fails, sh('true'), sh('true'))

class FailsAtEnd(Build):
    def buildFinished(self, text, results):
        raise ValueError('in buildFinished')
build('buildFinished', FailsAtEnd, sh('true'))

class FailsBetween(Build):
    def getNextStep(self):
        raise ValueError('in getNextStep')
build('getNextStep', FailsBetween, sh('true'))

class FailsToBegin(Build):
    def setupProperties(self):
        raise ValueError('in setupProperties')
build('setupProperties', FailsToBegin, sh('true'))
"""


async def test_what_builds_and_steps_write_is_read_back() -> None:
    async with started(_OWN_BUILDS + _WRITES) as ci:
        build = await ci.build("writes")

        assert build.result is Result.WARNINGS
        assert ci.step(build, "writes").result is Result.WARNINGS
        assert (await ci.properties(build))["seen"][0] == ["written", "written", [1, None]]


async def test_an_error_in_a_method_of_a_build_class_ends_the_build_and_is_named() -> None:
    async with started(_OWN_BUILDS + _WRITES) as ci:
        for method in ("stepDone", "buildFinished", "getNextStep", "setupProperties"):
            build = await ci.build(method)

            assert build.result is Result.EXCEPTION, method
            assert f"ValueError: in {method}" in build.state
            assert len(ci.steps(build)) <= 1
        assert ci.log.count("ValueError: in stepDone") >= 1


_WORKDIRS = """
import hashlib
from twisted.internet import defer, reactor, task

def of_one(source_stamp):
    return hashlib.md5(source_stamp.repository.encode()).hexdigest()[:8]

def of_all(source_stamps):
    return hashlib.md5(source_stamps[0].repository.encode()).hexdigest()[:8]

async def late(source_stamp):
    return 'late'

@defer.inlineCallbacks
def deferred(source_stamp):
    yield task.deferLater(reactor, 1, lambda: None)
    return util.Interpolate('%(prop:buildername)s')

async def none(source_stamp):
    return None

for workdir in (of_one, of_all, late, deferred, none, lambda stamps: None):
    build(workdir.__name__, Build, sh('true', name='runs'), workdir=workdir)
build('rendered', Build, sh('true', name='runs'), workdir=util.Interpolate('%(prop:buildername)s'))
build('own', Build, sh('true', name='runs', workdir='own'), workdir=of_one)
"""


async def test_a_factorys_workdir_may_be_a_function_of_the_source_stamps() -> None:
    async with started(_OWN_BUILDS + _WORKDIRS) as ci:
        wanted = {"of_one": "f69ac970", "of_all": "f69ac970", "rendered": "rendered", "own": "own"}
        wanted |= {"late": "late", "deferred": "deferred"}
        for name, directory in wanted.items():
            build = await ci.build(name, repository="https://example.org/one.git")
            assert build.result is Result.SUCCESS
            assert f"in dir {name}/{directory}\n" in await ci.text(build, "runs")

        other = await ci.build("of_one", repository="https://example.org/two.git")
        assert "of_one/f69ac970" not in await ci.text(other, "runs")

        for name in ("none", "<lambda>"):
            build = await ci.build(name)
            assert build.result is Result.EXCEPTION
            assert "returned None; it must return the path of a directory" in build.state


_OLD_STEPS = """
import stat
from buildbot.interfaces import BuildSlaveToOldError
from buildbot.process.buildstep import LoggingBuildStep, RemoteShellCommand
from buildbot.process.results import *
from buildbot.process import remotecommand
from buildbot.steps.shell import Compile, ShellCommand, WarningCountingShellCommand

class MakeTarball(ShellCommand):
    name = 'tarball'
    command = ['never']
    def start(self):
        if self.getProperty('os') == 'win':
            self.setCommand(['echo', 'zip'])
        else:
            self.setCommand(['echo', 'tar'])
        ShellCommand.start(self)

class MyBuildStep(steps.BuildStep):
    name = 'discover'
    def __init__(self, dirname, **kwargs):
        steps.BuildStep.__init__(self, **kwargs)
        self.dirname = dirname

    def start(self):
        slavever = (self.slaveVersion('stat'), self.slaveVersion('glob'))
        if not all(slavever):
            raise BuildSlaveToOldError('need stat and glob')
        cmd = util.RemoteCommand('stat', {'file': self.dirname})
        d = self.runCommand(cmd)
        d.addCallback(lambda res: self.evaluateStat(cmd))
        d.addErrback(self.failed)
        return d

    def evaluateStat(self, cmd):
        if cmd.didFail():
            self.step_status.setText(["File not found."])
            self.finished(FAILURE)
            return
        s = cmd.updates["stat"][-1]
        if not stat.S_ISDIR(s[stat.ST_MODE]):
            self.step_status.setText(["'tis not a directory"])
            self.finished(WARNINGS)
            return
        cmd = util.RemoteCommand('glob', {'glob': self.dirname + '/*.pyc'})
        d = self.runCommand(cmd)
        d.addCallback(lambda res: self.evaluateGlob(cmd))
        d.addErrback(self.failed)
        return d

    def evaluateGlob(self, cmd):
        if cmd.didFail():
            self.step_status.setText(["Glob failed."])
            self.finished(FAILURE)
            return
        files = cmd.updates["files"][-1]
        if len(files):
            self.step_status.setText(["Found pycs"] + files)
        else:
            self.step_status.setText(["No pycs found"])
        self.finished(SUCCESS)

class Frobnify(LoggingBuildStep):
    name = 'frobnify'
    def __init__(self, how_many=None, frob_what='it', frob_how='well', **kwargs):
        if how_many is None:
            raise TypeError("Frobnify argument how_many is required")
        kwargs['description'] = 'frobbing'
        LoggingBuildStep.__init__(self, **kwargs)
        self.frob_what = frob_what
        self.frob_how_many = how_many
        self.frob_how = frob_how
    def start(self):
        command = ['echo', self.frob_what, str(self.frob_how_many)]
        self.startCommand(RemoteShellCommand(self.workdir or '.', command))
    def createSummary(self, log):
        self.addCompleteLog('summary', log.getText().upper())
        self.setProperty('lines', len(list(log.readlines())))
    def describe(self, done=False):
        return ['frobbed' if done else 'frobs', self.frob_what]
    def getText2(self, cmd, results):
        return ['frob', str(results)]

class FastFrobnify(Frobnify):
    def __init__(self, speed=5, **kwargs):
        Frobnify.__init__(self, **kwargs)
        self.speed = speed
    def evaluateCommand(self, cmd):
        return WARNINGS if self.speed > 4 else cmd.results()

class Judges(ShellCommand):
    name = 'judges'
    def commandComplete(self, cmd):
        self.said = cmd.logs['stdio'].getText()
    def evaluateCommand(self, cmd):
        return FAILURE if 'bad' in self.said else SUCCESS
    def getText(self, cmd, results):
        return ShellCommand.getText(self, cmd, results) + ['of old']
    def setupEnvironment(self, cmd):
        cmd.args['env']['SET'] = 'up'
    def finished(self, results):
        self.setProperty('finished', results)
        return ShellCommand.finished(self, results)

class Skips(steps.BuildStep):
    name = 'skips'
    def start(self):
        return SKIPPED

class Writes(steps.BuildStep):
    name = 'writes'
    @defer.inlineCallbacks
    def start(self):
        log = yield self.addLog('own')
        log.addStdout('one\\n')
        self.addLog('other').addHeader('two\\n')
        self.addHTMLLog('page', '<p>')
        self.addURL('link', 'http://example.org')
        self.step_status.setText(['half', 'way'])
        self.step_status.setText2(['written'])
        self.setStatistic('n', 3)
        self.setProperty('seen', [self.getLog('own').getText(), self.getSlaveName(),
                                  self.slaveVersionIsOlderThan('shell', '9.0'),
                                  self.step_status.getStatistic('n')])
        self.finished(SUCCESS)

class Raises(steps.BuildStep):
    name = 'raises'
    def start(self):
        raise ValueError('in start')

class FailsLater(steps.BuildStep):
    name = 'fails later'
    def start(self):
        d = self.runCommand(remotecommand.RemoteCommand('stat', {'file': 'x'}))
        d.addCallback(lambda res: 1 / 0)
        d.addErrback(self.failed)

class Nonsense(steps.BuildStep):
    name = 'nonsense'
    def start(self):
        self.finished(None)

class Counts(WarningCountingShellCommand):
    name = 'counts'
    def createSummary(self, log):
        WarningCountingShellCommand.createSummary(self, log)
        self.setProperty('counted', [self.warnCount, log.getText()])

class Uploads(steps.SetProperty):
    def finished(self, results):
        self.setProperty('uploaded', [self.build.slavebuilder.slave.slavename, results])
        steps.SetProperty.finished(self, results)

class Blocks(LoggingBuildStep):
    name = 'blocks'
    def start(self):
        self.startCommand(RemoteShellCommand('.', ['block', 'it']))

add('tarball', MakeTarball(), properties={'os': 'win'})
add('discover', MyBuildStep('d'))
add('frobnify', Frobnify(how_many=2, flunkOnFailure=True), FastFrobnify(how_many=3, name='fast'))
add('judges', Judges(command=['sh', '-c', 'echo bad']))
add('several', Skips(), Writes())
for kind in (Raises, FailsLater, Nonsense):
    add(kind.name, kind())
add('counts', Counts(command=['sh', '-c', 'echo warning: one; echo two']))
add('blocks', Blocks())
add('uploads', Uploads(property='a', value='b'))
"""


async def test_old_style_steps_of_the_chapter_work_as_printed() -> None:
    async with started("from twisted.internet import defer\n" + _OLD_STEPS) as ci:
        build = await ci.build("tarball")
        assert build.result is Result.SUCCESS
        assert "ozip" in await ci.text(build, "tarball")

        frob = await ci.build("frobnify")
        assert [step.state for step in ci.steps(frob)] == ["frobbed it", "frobbed it (warnings)"]
        assert frob.result is Result.SUCCESS
        assert await ci.text(frob, "frobnify", "summary") == "IT 2\n"
        assert (await ci.properties(frob))["lines"] == [1, "Unknown"]

        uploads = await ci.build("uploads")
        assert (await ci.properties(uploads))["uploaded"] == [["local", 0], "Unknown"]
        assert (await ci.properties(uploads))["a"][0] == "b"

        judged = await ci.build("judges")
        assert judged.result is Result.FAILURE
        assert ci.step(judged, "judges").state == "'sh -c ...' failed of old"
        assert (await ci.properties(judged))["finished"] == [2, "Unknown"]


async def test_an_old_style_step_discovers_files() -> None:
    outcomes = [
        ({"rc": 1}, {}, "File not found. (failure)", Result.FAILURE),
        ({"values": {"stat": [0o100644]}}, {}, "'tis not a directory (warnings)", Result.WARNINGS),
        ({"values": {"stat": [0o040755]}}, {"rc": 1}, "Glob failed. (failure)", Result.FAILURE),
        (
            {"values": {"stat": [0o040755]}},
            {"values": {"files": ["d/a.pyc", "d/b.pyc"]}},
            "Found pycs d/a.pyc d/b.pyc",
            Result.SUCCESS,
        ),
        (
            {"values": {"stat": [0o040755]}},
            {"values": {"files": []}},
            "No pycs found",
            Result.SUCCESS,
        ),
    ]
    async with started("from twisted.internet import defer\n" + _OLD_STEPS) as ci:
        for stat, glob, words, result in outcomes:
            ci.worker("local").on("stat d", **stat)
            ci.worker("local").on("glob d/*.pyc", **glob)

            build = await ci.build("discover")

            step = ci.step(build, "discover")
            assert (step.state, step.result) == (words, result)


async def test_old_style_steps_get_logs_at_once_and_say_what_they_want() -> None:
    async with started("from twisted.internet import defer\n" + _OLD_STEPS) as ci:
        build = await ci.build("several")

        assert [step.result for step in ci.steps(build)] == [Result.SKIPPED, Result.SUCCESS]
        writes = ci.step(build, "writes")
        assert (writes.state, writes.urls[0].name) == ("half way", "link")
        assert build.state == "build successful written"
        assert await ci.text(build, "writes", "own") == "oone\n"
        assert await ci.text(build, "writes", "other") == "htwo\n"
        seen = (await ci.properties(build))["seen"]
        assert seen == [["one\n", "local", True, 3], "Unknown"]

        counts = await ci.build("counts")
        assert ci.step(counts, "counts").result is Result.WARNINGS
        properties = await ci.properties(counts)
        assert properties["counted"] == [[2, "warning: one\ntwo\n"], "Unknown"]
        said = await ci.text(counts, "counts", "warnings (2)")
        assert said.splitlines()[1:] == ["warning: one"]  # The first is of the header.


async def test_an_old_style_step_that_fails_or_is_stopped_ends() -> None:
    async with started("from twisted.internet import defer\n" + _OLD_STEPS) as ci:
        wanted = {"raises": "in start", "fails later": "division by zero", "nonsense": "SUCCESS"}
        for name, words in wanted.items():
            build = await ci.build(name)
            assert build.result is Result.EXCEPTION, name
            assert words in build.state

        request = await ci.force("blocks")
        await ci.order(f"builds/{ci.last_build('blocks').id}", "stop", reason="enough")
        await ci.finished(request)
        assert ci.last_build("blocks").result is Result.CANCELLED


_NEW_STEPS = """
import re
from buildbot.process import buildstep, logobserver
from buildbot.process.buildstep import LogLineObserver
from buildbot.process.remotecommand import RemoteCommand, RemoteShellCommand
from twisted.internet import defer

class RunCleanup(buildstep.ShellMixin, buildstep.BuildStep):
    name = 'cleanup'
    def __init__(self, cleanupScript='./cleanup.sh', **kwargs):
        self.cleanupScript = cleanupScript
        kwargs = self.setupShellMixin(kwargs, prohibitArgs=['command'])
        buildstep.BuildStep.__init__(self, **kwargs)

    @defer.inlineCallbacks
    def run(self):
        cmd = yield self.makeRemoteShellCommand(command=[self.cleanupScript])
        yield self.runCommand(cmd)
        if cmd.didFail():
            cmd = yield self.makeRemoteShellCommand(command=[self.cleanupScript, '--force'],
                                                    logEnviron=False)
            yield self.runCommand(cmd)
        return cmd.results()

class TrialTestCaseCounter(util.LogLineObserver):
    _line_re = re.compile(r'^([\\w\\.]+) \\.\\.\\. \\[([^\\]]+)\\]$')
    numTests = 0
    finished = False
    def outLineReceived(self, line):
        if self.finished:
            return
        if line.startswith("=" * 40):
            self.finished = True
            return
        m = self._line_re.search(line.strip())
        if m:
            testname, result = m.groups()
            self.numTests += 1
            self.step.setProgress('tests', self.numTests)

class Trial(steps.ShellCommand):
    name = 'trial'
    def __init__(self, **kwargs):
        steps.ShellCommand.__init__(self, **kwargs)
        self.counter = TrialTestCaseCounter()
        self.addLogObserver('stdio', self.counter)
        self.progressMetrics += ('tests',)
    async def run(self):
        result = await super().run()
        self.setStatistic('tests', self.counter.numTests)
        return result
    def getResultSummary(self):
        count = self.getStatistic('tests')
        return {'step': f'ran {count}', 'build': f'{count} tests'}

class Sums(steps.BuildStep):
    name = 'sums'
    def run(self):
        total = self.build.getSummaryStatistic('tests', lambda a, b: a + b, 0)
        self.setProperty('sums', [total, self.hasStatistic('tests'),
            self.build.getSummaryStatistic('never', min), self.getStatistic('never', 'none')])
        self.addURL('coverage', 'http://example.org/report')
        return util.SUCCESS

class Logs(steps.BuildStep):
    name = 'logs'
    @defer.inlineCallbacks
    def run(self):
        heard = []
        class Hears(util.LogLineObserver):
            def outLineReceived(self, line):
                heard.append((self.step.name, 'o', line))
            def errLineReceived(self, line):
                heard.append((self.step.name, 'e', line))
            def headerLineReceived(self, line):
                heard.append((self.step.name, 'h', line))
        counter = Hears()
        counter.setMaxLineLength(10)
        self.addLogObserver('updates', counter)
        updates = yield self.addLog('updates')
        yield updates.addStdout(u'one\\ntw')
        yield updates.addHeader(u'head\\n')
        yield updates.addStdout(u'o\\n')
        yield updates.addStderr(u'three\\n')
        yield updates.addStdout(u'much too long a line\\n')
        yield updates.finish()
        cmd = RemoteShellCommand('.', ['echo', 'hello'])
        log = yield self.addLog('output')
        cmd.useLog(log, True, 'stdio')
        yield self.runCommand(cmd)
        summary = u'\\n'.join('%s: %s' % (k, count) for (k, count) in {'E501': 2}.items())
        yield self.addCompleteLog('summary', summary)
        yield self.addHTMLLog('page', u'<b>page</b>')
        text = yield self.getLog('output').getText()
        self.setProperty('heard', [heard, text, log.isFinished()])
        return util.SUCCESS

class Watches(logobserver.LogObserver):
    def outReceived(self, text):
        self.step.found.append(text)

class Watched(steps.ShellCommand):
    name = 'watched'
    logfiles = {'test.log': '_trial/test.log'}
    lazylogfiles = True
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.found = []
        self.addLogObserver('test.log', Watches())
        self.buffer = logobserver.BufferLogObserver(wantStderr=True)
        self.addLogObserver('stdio', self.buffer)
        self.lines = []
        self.addLogObserver('stdio', logobserver.LineConsumerLogObserver(self.consume))
    def consume(self):
        while True:
            stream, line = yield
            if stream != 'h':
                self.lines.append(stream + line)
    async def run(self):
        result = await super().run()
        self.setProperty('found', [self.found, self.lines, self.buffer.getStdout(),
                                   self.buffer.getStderr()])
        return result

class Summarises(steps.BuildStep):
    name = 'summarises'
    count = 0
    descriptionSuffix = ['of', 'many']
    async def run(self):
        for self.count in range(100):
            self.updateSummary()
            await asyncio.sleep(0.05)
        return util.WARNINGS
    def getCurrentSummary(self):
        return {'step': f'did {self.count}'}

class Forgets(steps.BuildStep):
    name = 'forgets'
    def run(self):
        RemoteShellCommand('.', ['true']).useLog(self.addLog('stdio'))

add('cleanup', RunCleanup(cleanupScript='./c.sh'))
add('trial', Trial(command='trial'), Trial(command='trial', name='again'), Sums())
add('logs', Logs())
add('watched', Watched(command='run it'))
add('summarises', Summarises(), sh('true', name='described', description=['doing'],
    descriptionDone='done', descriptionSuffix='well'))
add('forgets', Forgets())
add('sequence', steps.ShellSequence(commands=[util.ShellArg(command='echo a', logfile='a')]))
"""

_TRIAL = """\
buildbot.test.test_config.ConfigTest.testDebugPassword ... [OK]
buildbot.test.test_config.ConfigTest.testEmpty ... [OK]
buildbot.test.test_config.ConfigTest.testIRC ... [FAIL]
========================================================================
buildbot.test.test_config.ConfigTest.testLocks ... [OK]
"""


async def test_commands_observers_statistics_and_links_of_the_chapter() -> None:
    async with started("import asyncio\n" + _NEW_STEPS) as ci:
        ci.worker("local").on("./c.sh", rc=1)
        ci.worker("local").on("./c.sh --force", rc=0)
        build = await ci.build("cleanup")
        assert build.result is Result.SUCCESS
        assert ci.worker("local").commands[-2:] == ["./c.sh", "./c.sh --force"]

        ci.worker("local").on("trial", output=_TRIAL)
        trial = await ci.build("trial")
        assert ci.step(trial, "trial").state == "ran 3"
        assert trial.state == "build successful 3 tests 3 tests"
        assert (await ci.properties(trial))["sums"][0] == [6, False, None, "none"]
        (url,) = ci.step(trial, "sums").urls
        assert (url.name, url.url) == ("coverage", "http://example.org/report")

        sequence = await ci.build("sequence")
        assert "oa\n" in await ci.text(sequence, ci.steps(sequence)[0].name, "a")
        assert 'argument "logfile" was removed from Buildbot; use logname' in ci.log


async def test_logs_of_the_chapter_are_written_read_and_observed() -> None:
    async with started("import asyncio\n" + _NEW_STEPS) as ci:
        build = await ci.build("logs")
        assert build.result is Result.SUCCESS
        heard, text, finished = (await ci.properties(build))["heard"][0]
        assert heard == [
            ["logs", "o", "one"],
            ["logs", "h", "head"],
            ["logs", "o", "two"],
            ["logs", "e", "three"],
        ]
        assert (text, finished) == ("hello\n", True)
        assert await ci.text(build, "logs", "summary") == "E501: 2\n"
        assert await ci.text(build, "logs", "page") == "<b>page</b>\n"

        ci.worker("local").on("run it", output="a\nb", errors="c", files={"test.log": "watched\n"})
        watched = await ci.build("watched")
        assert (await ci.properties(watched))["found"][0] == [
            ["watched\n"],
            ["oa", "ob", "ec"],
            "a\nb\n",
            "c\n",
        ]
        assert await ci.text(watched, "watched", "test.log") == "owatched\n"

        forgets = await ci.build("forgets")
        assert "must be awaited" in forgets.state


async def test_summaries_are_shown_at_most_once_a_second() -> None:
    async with started("import asyncio\n" + _NEW_STEPS) as ci:
        request = await ci.force("summarises")
        shown = set()
        while not ci.history.requests[request].complete:
            if ci.builds() and (steps := ci.steps(ci.last_build("summarises"))):
                shown.add(steps[0].state)
            await ci.sleep(0.04)

        first, second = ci.steps(ci.last_build("summarises"))
        said = [one for one in shown if one.startswith("did")]
        assert 3 <= len(said) <= 7, sorted(said)
        assert first.state == "finished (warnings)"
        assert second.state == "done well"


_FILES = """
from buildbot.steps.cmake import CMake
class OwnCMake(CMake):
    DEFAULT_CMAKE = '/opt/cmake'

add('cmake', steps.CMake(path='src', generator='Ninja', definitions={'A': util.Property('p'),
    'B': 'ON'}, options=['--fresh']), OwnCMake(name='own'), properties={'p': 'x'})
add('cppcheck', steps.Cppcheck(source=['a', 'b'], enable=['all'], inconclusive=True,
    extra_args=['--std=c11']))
add('discovers', steps.FileExists('f'), steps.SetPropertiesFromEnv(variables=['HOME', 'NONE']),
    steps.SetProperties({'a': util.Interpolate('%(prop:HOME)s!')}),
    steps.LogRenderable(util.Property('a')), steps.Assert(util.Property('a')),
    steps.TreeSize(), steps.Configure(), steps.Compile(), steps.Test())
"""


async def test_steps_that_find_files_configure_and_check() -> None:
    async with started(_FILES) as ci:
        worker = ci.worker("local")
        await ci.build("cmake")
        assert worker.commands == ["cmake -G Ninja -DA=x -DB=ON --fresh src", "/opt/cmake"]

        messages = "Checking a.c...\n[a.c:1]: (error) bad\nb.c:2:1: style: odd [x]\nb.c: note: no\n"
        worker.on("cppcheck", errors=messages)
        checked = await ci.build("cppcheck")
        command = "cppcheck a b --enable=all --inconclusive --std=c11"
        assert worker.commands[-1] == command
        assert checked.result is Result.FAILURE
        properties = await ci.properties(checked)
        assert [properties[f"cppcheck-{kind}"][0] for kind in ("error", "style", "total")] == [
            *(1, 1, 2)
        ]
        assert await ci.text(checked, "cppcheck", "error log") == "[a.c:1]: (error) bad\n"

        worker.on("stat f", values={"stat": [0o100644]})
        worker.on("du -s -k .", output="12 .\n")
        found = await ci.build("discovers")
        assert found.result is Result.SUCCESS
        properties = await ci.properties(found)
        assert properties["a"][0] == "/home/worker!"
        assert properties["tree-size-KiB"][0] == 12
        assert "NONE" not in properties
        assert worker.commands[-3:] == ["./configure", "make all", "make test"]


_COMMANDS = """
from buildbot.process.buildstep import CommandMixin
class Commands(CommandMixin, steps.BuildStep):
    name = 'commands'
    async def run(self):
        log = await self.addLog('own')
        said = [
            await self.runMkdir('d', log=log),
            await self.pathExists('d'),
            await self.runGlob('d/*'),
            await self.getFileContentFromWorker('d/f'),
            await self.getFileContentFromWorker('gone'),
            await self.downloadFileContentToWorker('d/f', 'text'),
            await self.runRmFile('d/f', abandonOnFailure=False),
            await self.runRmdir('d'),
        ]
        self.setProperty('said', said)
        await self.runRmFile('d/f')

add('commands', Commands())
"""


async def test_the_mixin_for_commands_has_one_for_each_file_command() -> None:
    async with started(_COMMANDS) as ci:
        worker = ci.worker("local")
        worker.on("glob", values={"files": ["d/f"]})
        worker.on("uploadFile d/f", values={"content": b"a\r\ncontent"})
        worker.on("uploadFile gone", rc=1)
        worker.on("rmfile", rc=1)

        build = await ci.build("commands")

        assert build.result is Result.FAILURE
        said = (await ci.properties(build))["said"][0]
        assert said == [True, True, ["d/f"], "a\r\ncontent", None, True, False, True]


_FRAMBOOZLE = """
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
        self.counter = FNURRRGHCounter()
        self.addLogObserver('stdio', self.counter)
        self.progressMetrics += ('tests',)
"""

_PYTHONS = """
for python in ['python3.11', 'python3.12']:
    f = util.BuildFactory()
    f.addStep(steps.ShellCommand(command=[python, 'test.py'], name='test'))
    f.addStep(Framboozle(doStepIf=lambda step: step.getProperty('buildername') != 'test-python3.11',
                         hideStepIf=lambda results, step: results == util.SKIPPED))
    c['builders'].append(util.BuilderConfig(name="test-%s" % python, factory=f,
                                            workernames=['local']))
"""


async def test_framboozle_in_the_configuration_is_not_reconfigured_when_nothing_changes() -> None:
    text = _FRAMBOOZLE + _PYTHONS
    async with started(text) as ci:
        ci.worker("local").on("framboozler", output="FNURRRGH!\nFNURRRGH!")
        for python in ("python3.11", "python3.12"):
            build = await ci.build(f"test-{python}")
            assert build.result is Result.SUCCESS
            assert [step.hidden for step in ci.steps(build)] == [False, python == "python3.11"]

        assert "nothing" in (await ci.reconfigure(written(text))).lower()
