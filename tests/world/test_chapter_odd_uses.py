"""What the chapter shows, used a little differently: other kinds of values, later, or twice."""

from __future__ import annotations

from written import started, written

from chargehand.domain.result import Result

_BUILDS = """
from twisted.internet import defer
from buildbot.process.build import Build
from buildbot.process.factory import BuildFactory

def build(name, kind, *steps_):
    f = BuildFactory(steps_ or [sh('true', name='a'), sh('true', name='b')])
    f.buildClass = kind
    c['builders'].append(util.BuilderConfig(name, 'local', factory=f))

class TakesBuilder(Build):
    def __init__(self, requests, builder):
        super().__init__(requests, builder)
        self.setProperty('mine', [len(requests), builder.name, builder.config.name], 'init')

class Factory(BuildFactory):
    buildClass = TakesBuilder
    def newBuild(self, requests, builder):
        made = super().newBuild(requests, builder)
        assert made.builder is builder
        made.setProperty('by', type(self).__name__, 'factory')
        return made

class More(Factory):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.addStep(sh('true', name='late'))

class OldFactory(BuildFactory):
    def newBuild(self, requests):
        return super().newBuild(requests)

class OldBuild(Build):
    def __init__(self, requests):
        Build.__init__(self, requests)

class OptionalOfItsOwn(Build):
    def __init__(self, requests, limit=3):
        Build.__init__(self, requests)
        self.setProperty('limit', limit, 'init')

class OwnFactory(BuildFactory):
    buildClass = OptionalOfItsOwn
    def newBuild(self, requests, limit=4):
        made = super().newBuild(requests)
        made.setProperty('of factory', limit, 'factory')
        return made

generated = OldFactory(sh('true', name=f'g{n}') for n in range(2))
generated.addSteps(step for step in [sh('true', name='more')])
for name, factory in {'factory': Factory([sh('true')]), 'more': More(), 'old': generated}.items():
    c['builders'].append(util.BuilderConfig(name=name, workernames='local', factory=factory))
build('both', lambda requests, builder: TakesBuilder(requests, builder))
build('one', lambda requests: Build(requests))
build('old class', OldBuild)
build('own', OptionalOfItsOwn)
c['builders'].append(util.BuilderConfig(
    'own factory', workernames='local', factory=OwnFactory([sh('true')])))

class Twice(Build):
    def setupBuild(self):
        super().setupBuild()
        return super().setupBuild()
class TwiceBelow(Twice):
    pass
build('twice', TwiceBelow)

class Late(Build):
    @defer.inlineCallbacks
    def setupBuild(self):
        yield defer.succeed(None)
        yield super().setupBuild()
        self.setProperty('mine', 'late')
build('late', Late)

class Skips(Build):
    def getNextStep(self):
        step = super().getNextStep()
        return self.getNextStep() if step is not None and step.name == 'a' else step
build('skips', Skips)

class Milder(Build):
    def stepDone(self, results, step):
        return super().stepDone(util.WARNINGS if results == util.SUCCESS else results, step)
build('milder', Milder, sh('true', name='a', warnOnWarnings=True), sh('true', name='b'))

class Worse(Build):
    def allStepsDone(self):
        self.results = util.FAILURE
        return super().allStepsDone()
build('worse', Worse)

class Says(Build):
    def buildFinished(self, text, results):
        return super().buildFinished(['my', 'words'], util.WARNINGS)
build('says', Says)
"""


async def test_builds_and_factories_take_the_builder_or_only_the_requests() -> None:
    async with started(_BUILDS) as ci:
        steps = {
            "factory": ["shell"],
            "more": ["late"],
            "old": ["g0", "g1", "more"],
            "both": ["a", "b"],
            "one": ["a", "b"],
            "old class": ["a", "b"],
        }
        for name, names in steps.items():
            build = await ci.build(name)

            assert (build.result, build.state) == (Result.SUCCESS, "build successful"), name
            assert [step.name for step in ci.steps(build)] == names
            properties = await ci.properties(build)
            if name in ("factory", "more", "both"):
                assert properties["mine"] == [[1, name, name], "init"]
            assert ("by" in properties) == (name in ("factory", "more"))


async def test_optional_arguments_of_their_own_keep_their_values() -> None:
    async with started(_BUILDS) as ci:
        for name in ("own", "own factory"):
            properties = await ci.properties(await ci.build(name))
            assert properties["limit"] == [3, "init"]
        assert properties["of factory"] == [4, "factory"]


async def test_methods_of_builds_may_call_the_inherited_ones_late_twice_or_with_others() -> None:
    async with started(_BUILDS) as ci:
        expected = {
            "twice": (Result.SUCCESS, "build successful", ["a", "b"]),
            "late": (Result.SUCCESS, "build successful", ["a", "b"]),
            "skips": (Result.SUCCESS, "build successful", ["b"]),
            "milder": (Result.WARNINGS, "warnings", ["a", "b"]),
            "worse": (Result.FAILURE, "failed", ["a", "b"]),
            "says": (Result.WARNINGS, "my words", ["a", "b"]),
        }
        for name, outcome in expected.items():
            build = await ci.build(name)

            found = (build.result, build.state, [step.name for step in ci.steps(build)])
            assert found == outcome, name


_SOURCES = """
from twisted.internet import defer
from buildbot.changes import base

class Source(base.ChangeSource):
    def __init__(self, address, **more):
        super().__init__(name='source of ' + address, **more)
        self.address = address
    def describe(self):
        return self.address
    @defer.inlineCallbacks
    def startService(self):
        yield super().startService()
        yield self.master.data.updates.addChange(
            author='me', comments=f'{self.seen}', revision='1', files=None, codebase=None,
            properties={'p': 1}, when_timestamp=1600000000)

class Below(Source):
    def activate(self):
        self.seen = [self.active, self.isActive()]
        return super().activate()

class Polls(base.ReconfigurablePollingChangeSource):
    count = 0
    def checkConfig(self, pollInterval=1, what='x', **more):
        super().checkConfig(pollInterval=pollInterval, **more)
    @defer.inlineCallbacks
    def reconfigService(self, pollInterval=1, what='x', **more):
        self.what = what
        yield super().reconfigService(pollInterval=pollInterval, **more)
    def poll(self):
        self.count += 1
        if self.count == 2:
            return defer.fail(ValueError('second poll'))
        if self.count == 3:
            raise ValueError('third poll')
        if self.count == 4:
            return self.master.data.updates.addChange(
                author='poller', comments=self.what, files=('a', 'b'), category=None)

c['change_source'] = [Below('there'), Polls(name='polls', pollInterval=10, what='y')]
add('b', sh('true'))
"""


async def test_sources_may_begin_late_and_fail_at_the_third_poll() -> None:
    async with started(_SOURCES) as ci:
        await ci.sleep(60)

        changes = await ci.get("changes?order=changeid")
        found = [(one["author"], one["comments"], one["files"]) for one in changes]
        assert found == [("me", "[True, True]", []), ("poller", "y", ["a", "b"])]
        assert "second poll" in ci.log
        assert "third poll" in ci.log


_STEPS = """
from twisted.internet import defer
from buildbot.process import buildstep, logobserver

class Says(buildstep.BuildStep):
    name = 'says'
    def __init__(self, summary, **more):
        self.summary = summary
        super().__init__(**more)
    def run(self):
        return util.SUCCESS
    def getResultSummary(self):
        return self.summary

add('says', Says({'step': 'a', 'build': 'b', 'other': 1}), Says({}), Says({'step': ''}),
    Says(defer.succeed({'step': 'later'})), Says({'step': 3}), Says({'step': b'caf\\xc3\\xa9'}))
add('says nothing', Says(None))
add('says text', Says('text'))

class Mixed(buildstep.BuildStep, buildstep.ShellMixin):
    def __init__(self, **more):
        more = self.setupShellMixin(more, prohibitArgs=['command'])
        super().__init__(**more)
    @defer.inlineCallbacks
    def run(self):
        cmd = yield self.makeRemoteShellCommand(
            command=['sh', '-c', 'exit 3'], collectStdout=True, stdioLogName=None)
        yield self.runCommand(cmd)
        self.setProperty('ended', [cmd.rc, cmd.didFail(), cmd.results(), cmd.stdout])
        return cmd.results()
add('mixed', Mixed(env={'A': 'b'}, workdir='elsewhere', haltOnFailure=False, name='mixed'))

class Third(logobserver.LogLineObserver):
    count = 0
    def outLineReceived(self, line):
        self.count += 1
        if self.count == 3:
            raise ValueError('third line')

class Watches(buildstep.BuildStep):
    name = 'watches'
    async def run(self):
        bad, good = Third(), logobserver.BufferLogObserver(wantStdout=True)
        self.addLogObserver('later', good)
        self.addLogObserver('later', bad)
        self.addLogObserver('never', Third())
        log = await self.addLog('later')
        try:
            for line in range(5):
                await log.addStdout(f'{line}\\n')
        finally:
            self.setProperty('good', good.getStdout())
add('watches', Watches())

class Ends(buildstep.ShellMixin, buildstep.BuildStep):
    name = 'ends'
    def __init__(self):
        super().__init__(**self.setupShellMixin({'command': ['say']}))
        def first():
            self.first = '', ''
            while self.first[0] != 'o':
                self.first = yield
        self.addLogObserver('stdio', logobserver.LineConsumerLogObserver(first))
    async def run(self):
        cmd = await self.makeRemoteShellCommand()
        await self.runCommand(cmd)
        self.setProperty('first', list(self.first))
        return cmd.results()
add('ends', Ends())

class Logs(buildstep.BuildStep):
    name = 'logs'
    async def run(self):
        one = await self.addLog('same')
        await one.addStdout('one\\n')
        two = await self.addLog('same')
        await two.addStdout(b'caf\\xc3\\xa9\\n')
        await two.finish()
        await one.addStderr('no newline')
        await one.finish()
        await one.finish()
        self.addCompleteLog('empty', '')
        self.setProperty('last', self.getLog('same') is two)
        return util.SUCCESS
add('logs', Logs())

class AddsLater(buildstep.BuildStep):
    name = 'adds'
    async def run(self):
        log = await self.addLog('closed')
        await log.finish()
        await log.addStdout('too late')
        return util.SUCCESS
add('adds later', AddsLater())

class Counts(buildstep.BuildStep):
    name = 'counts'
    def __init__(self, value, **more):
        self.value = value
        super().__init__(**more)
    def run(self):
        self.setStatistic('n', self.value)
        of = self.build.getSummaryStatistic
        self.setProperty('sums', [of('n', lambda a, b: a + b, 10), of('n', max),
                                  of('none', max, 'x'), self.getStatistic('none', 'd')])
        return util.SUCCESS
add('counts', Counts(1), Counts(5))

class Links(buildstep.BuildStep):
    name = 'links'
    async def run(self):
        await self.addURL('a', 'http://x/1')
        self.addURL('a', 'http://x/2')
        self.addURL('rel', 'path/x')
        return util.SUCCESS
add('links', Links())

add('when', sh('true', name='later', doStepIf=lambda step: defer.succeed(False)),
    sh('true', name='none', doStepIf=lambda step: None),
    sh('true', name='rendered', doStepIf=util.Property('nope')),
    sh('true', name='zero', doStepIf=0),
    sh('exit 1', name='decoded', decodeRC={1: util.WARNINGS}),
    sh('true', name=util.Interpolate('n-%(prop:buildername)s')))
"""


async def test_summaries_may_have_more_less_or_come_later() -> None:
    async with started(_STEPS) as ci:
        build = await ci.build("says")

        assert (build.result, build.state) == (Result.SUCCESS, "build successful b")
        states = [step.state for step in ci.steps(build)]
        assert states == ["a", "finished", "", "later", "3", "café"]
        for name, given in {"says nothing": "None", "says text": "'text'"}.items():
            build = await ci.build(name)
            sentence = f"getResultSummary() must return a dictionary, not {given}"
            assert build.state == f'TypeError in step "says": {sentence}'


async def test_the_order_of_mixins_does_not_matter() -> None:
    async with started(_STEPS) as ci:
        build = await ci.build("mixed")

        assert (build.result, build.state) == (Result.FAILURE, "failed: mixed (exit 3)")
        assert (await ci.properties(build))["ended"][0] == [3, True, 2, ""]


async def test_an_observer_that_fails_at_the_third_line_fails_its_step_there() -> None:
    async with started(_STEPS) as ci:
        build = await ci.build("watches")

        assert build.state == 'ValueError in step "watches": third line'
        assert (await ci.properties(build))["good"][0] == "0\n1\n2\n"


async def test_a_consumer_of_lines_may_end_before_the_log_does() -> None:
    async with started(_STEPS) as ci:
        ci.worker("local").on("say", output="one\ntwo\nthree\n")
        build = await ci.build("ends")

        assert build.result is Result.SUCCESS
        assert (await ci.properties(build))["first"][0] == ["o", "one"]


async def test_two_logs_may_have_one_name_and_end_twice() -> None:
    async with started(_STEPS) as ci:
        build = await ci.build("logs")

        assert build.result is Result.SUCCESS
        assert (await ci.properties(build))["last"][0] is True
        logs = await ci.get(f"builds/{build.id}/steps/logs/logs?order=logid")
        assert [(log["name"], log["num_lines"]) for log in logs] == [
            ("same", 2),
            ("same", 1),
            ("empty", 0),
        ]
        late = await ci.build("adds later")
        sentence = "log 'closed' is finished: nothing can be added to it"
        assert late.state == f'ValueError in step "adds": {sentence}'


async def test_statistics_links_and_conditions_in_other_forms() -> None:
    async with started(_STEPS) as ci:
        build = await ci.build("counts")
        assert (await ci.properties(build))["sums"][0] == [16, 5, "x", "d"]

        build = await ci.build("links")
        links = [(url.name, url.url) for url in ci.step(build, "links").urls]
        assert links == [("a", "http://x/1"), ("a", "http://x/2"), ("rel", "path/x")]

        build = await ci.build("when")
        results = {step.name: step.result for step in ci.steps(build)}
        assert results == {
            **dict.fromkeys(("later", "none", "rendered", "zero"), Result.SKIPPED),
            "decoded": Result.WARNINGS,
            "n-when": Result.SUCCESS,
        }


_CALLED_AGAIN = """
from twisted.internet import defer
from buildbot.changes import base
from buildbot.util import poll, service

class Source(base.ChangeSource):
    name = 'again'
    count = 0
    def activate(self):
        self.look.start(interval=10, now=True)
        return super().activate()
    def deactivate(self):
        return defer.gatherResults([self.look.stop(), super().deactivate()])
    @base.poll_method
    async def look(self):
        self.count += 1
        if self.count == 2:
            raise ValueError('second look')
        await self.master.data.updates.addChange(author='me', comments=str(self.count))

class Service(service.BuildbotService):
    name = 'service'
    @poll.method
    def look(self):
        return self.master.data.updates.addChange(author='service', comments='called')

class Calls(steps.BuildStep):
    async def run(self):
        look = self.master.namedServices['service'].look
        assert look is self.master.namedServices['service'].look
        await look()
        await look.stop()
        return util.SUCCESS

c['change_source'] = Source(name='again')
c['services'] = [Service()]
add('b', Calls())
"""


async def test_methods_are_called_again_and_again_until_they_are_stopped() -> None:
    async with started(_CALLED_AGAIN) as ci:
        await ci.sleep(35)
        assert (await ci.build("b")).result is Result.SUCCESS

        changes = await ci.get("changes?order=changeid")
        found = [(one["author"], one["comments"]) for one in changes]
        assert found == [("me", "1"), ("me", "3"), ("me", "4"), ("service", "called")]
        assert "second look" in ci.log

        await ci.reconfigure(written(_CALLED_AGAIN + "c['change_source'] = []"))
        await ci.sleep(60)
        assert len(await ci.get("changes")) == len(changes)
