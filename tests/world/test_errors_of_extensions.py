"""Errors in users' code: the traceback is theirs, and it names the line that made the object."""

from __future__ import annotations

import pytest
from written import started, written

from chargehand.domain.build import Build
from chargehand.domain.result import Result
from chargehand.testing.world import World

_CODE = """
class Fails(steps.BuildStep):
    name = 'fails'
    def run(self):
        raise ValueError('in run')

class Observer(util.LogLineObserver):
    def outLineReceived(self, line):
        raise ValueError('in observer')

class Observed(steps.ShellCommand):
    name = 'observed'
    def __init__(self, **more):
        super().__init__(**more)
        self.addLogObserver('stdio', Observer())

class Summary(steps.ShellCommand):
    name = 'summary'
    def getResultSummary(self):
        raise ValueError('in getResultSummary')

@util.renderer
def renderer(props):
    raise ValueError('in renderer')

def fails_if(*_):
    raise ValueError('in function')

class Scheduler(schedulers.BaseScheduler):
    async def activate(self):
        await super().activate()
        await self.startConsumingChanges()
    def gotChange(self, change, important):
        raise ValueError('in gotChange')

class Source(changes.ChangeSource):
    def activate(self):
        raise ValueError('in activate')

class Poller(changes.PollingChangeSource):
    async def poll(self):
        raise ValueError('in poll')

class Reporter(reporters.ReporterBase):
    def sendMessage(self, reports):
        raise ValueError('in sendMessage')

def formats(context):
    raise ValueError('in formatter')

generator = reporters.BuildStatusGenerator(
    mode='all', message_formatter=reporters.MessageFormatterFunction(formats, 'plain'))
add('fails', Fails())
add('renderer', steps.ShellCommand(name='renderer', command=renderer))
add('nobody', steps.ShellCommand(name='nobody', command=util.Transform(int, 'x')))
add('locks', steps.ShellCommand(name='locks', command='true', locks=renderer))
add('observed', Observed(command='echo a'))
add('summary', Summary(command='true'))
add('skips', steps.ShellCommand(name='skips', command='true', doStepIf=fails_if))
add('hides', steps.ShellCommand(name='hides', command='true', hideStepIf=fails_if))
c['schedulers'].append(Scheduler(name='own', builderNames=['fails']))
c['change_source'] = [Source(name='source'),
                      Poller(name='poller', pollInterval=5)]
c['services'] = [Reporter(name='reporter', generators=[reporters.BuildStatusGenerator(mode='all')]),
                 reporters.HttpStatusPush('http://127.0.0.1:1/', generators=[generator])]
"""

_OF_STEPS = {
    "fails": "in run",
    "renderer": "in renderer",
    "nobody": "invalid literal",
    "locks": "in renderer",
    "observed": "in observer",
    "summary": "in getResultSummary",
    "skips": "in function",
    "hides": "in function",
}
_OF_OTHERS = {
    "in gotChange": "Scheduler(name='own'",
    "in activate": "Source(name='source'",
    "in poll": "Poller(name='poller'",
    "in sendMessage": "Reporter(name='reporter'",
    "in formatter": "mode='all', message_formatter=reporters.MessageFormatterFunction(",
}
_OURS = ("/src/chargehand/", "/src/buildbot/", "/twisted/")


async def test_errors_are_shown_from_the_users_code_on_with_the_line_that_made_the_object() -> None:
    async with started(_CODE) as ci:
        for name, words in _OF_STEPS.items():
            await _shows_the_error_of_a_step(ci, await ci.build(name), name, words)
        await ci.push()
        await ci.sleep(6)

        for words, made in _OF_OTHERS.items():
            _, _, rest = ci.log.partition(f"ValueError: {words}\n")
            assert rest, words
            kind = made.partition("(")[0].rpartition(".")[2]
            assert rest.startswith(f"({kind} was created at {_place(ci, made)})")
        # Where no code of users is called, the master's log has our frames: somebody must be told.
        whose, _, _ = ci.log.partition("build 3: ValueError")
        assert not any(ours in whose for ours in _OURS)


async def _shows_the_error_of_a_step(ci: World, build: Build, name: str, words: str) -> None:
    text = await ci.text(build, name, "err.text")
    assert words in text
    assert not any(ours in text for ours in _OURS), text
    assert f"was created at {_place(ci, f'add({name!r}, ')})" in text
    assert ci.log.count(f"build {build.id}: ValueError") == 1
    assert f"was created at {_place(ci, f'add({name!r}, ')})" in ci.log
    if name == "renderer":
        assert f"(renderer was created at {_place(ci, '@util.renderer')})" in text


def _place(ci: World, beginning: str) -> str:
    lines = written(_CODE).splitlines()
    number = next(n for n, line in enumerate(lines, 1) if beginning in line)
    return f"{ci.path / 'master.cfg'}:{number}"


async def test_a_step_whose_name_cannot_be_rendered_has_that_of_its_kind() -> None:
    configuration = """
        @util.renderer
        def bad(properties):
            raise LookupError('no name')

        class Own(steps.BuildStep):
            name = bad
        class Named(Own):
            pass

        add('raises', sh('true', name=bad))
        add('class', Named())
        add('nothing', sh('true', name=util.Property('nope')))
        """
    async with started(configuration) as ci:
        states = {
            "raises": 'LookupError in step "shell": no name',
            "class": 'LookupError in step "generic": no name',
            "nothing": 'TypeError in step "shell": the step\'s name is None in this build; '
            "it must be a string",
        }
        for builder, state in states.items():
            build = await ci.build(builder)

            assert build.result is Result.EXCEPTION
            assert build.state == state


async def test_a_step_that_returns_no_result_is_named_by_the_line_that_made_it() -> None:
    configuration = """
        class Nothing(steps.BuildStep):
            name = 'nothing'
            def run(self):
                pass
        class Yields(steps.BuildStep):
            name = 'yields'
            def run(self):
                yield 1
        add('nothing', Nothing())
        add('yields', Yields())
        """
    async with started(configuration) as ci:
        expected = {"nothing": "run() returned None; it must", "yields": "run() uses yield; put"}
        for name, words in expected.items():
            build = await ci.build(name)

            assert build.result is Result.EXCEPTION
            text = await ci.text(build, name, "err.text")
            assert words in text
            assert f"({name.title()} was created at {ci.path}/master.cfg:" in text


_FORGETFUL = """
from twisted.internet import defer
from buildbot.process.buildstep import ShellMixin

class Forgets(ShellMixin, steps.BuildStep):
    def __init__(self, **arguments):
        super().__init__(**self.setupShellMixin(arguments))

class Making(Forgets):
    async def run(self):
        command = self.makeRemoteShellCommand(command=['true'])
        await self.runCommand(command)
        return util.SUCCESS

class Both(Forgets):
    @defer.inlineCallbacks
    def run(self):
        yield defer.succeed(None)
        self.runCommand(self.makeRemoteShellCommand(command=['true']))
        return util.SUCCESS

class Running(Forgets):
    def __init__(self, waits, **arguments):
        self.waits = waits
        super().__init__(**arguments)

    async def run(self):
        command = await self.makeRemoteShellCommand(command='make')
        running = self.runCommand(command)
        if self.waits:
            await asyncio.sleep(5)
        return util.SUCCESS

class Together(Forgets):
    @defer.inlineCallbacks
    def run(self):
        first = yield self.makeRemoteShellCommand(command='one', stdioLogName='one')
        second = yield self.makeRemoteShellCommand(command='two', stdioLogName='two')
        yield defer.gatherResults([self.runCommand(first), self.runCommand(second)])
        return max(first.results(), second.results())

add('making', Making())
add('both', Both())
add('at-once', Running(False), sh('next', name='next', alwaysRun=True))
add('later', Running(True), sh('next', name='next', alwaysRun=True))
add('together', Together())
"""
_OTHER = "runCommand takes a RemoteCommand, not a Deferred; is a yield missing?"


@pytest.mark.parametrize("builder", ["making", "both"])
async def test_a_forgotten_yield_before_a_command_is_told_as_that(builder: str) -> None:
    async with started(_FORGETFUL) as ci:
        build = await ci.build(builder)
        text = await ci.text(build, "generic", "err.text")

        assert build.result == Result.EXCEPTION
        assert text.splitlines()[-2] == f"TypeError: {_OTHER}"
        assert text.count('  File "') == 1, "there is a frame of ours"
        assert "no attribute" not in ci.log
        assert "Unhandled" not in ci.log


@pytest.mark.parametrize("builder", ["at-once", "later"])
async def test_a_step_that_does_not_wait_for_its_command_is_no_success(builder: str) -> None:
    async with started("import asyncio\n" + _FORGETFUL) as ci:
        ci.worker("local").on("make", seconds=60, rc=3)
        begun = ci.now
        build = await ci.build(builder)

        assert build.result == Result.EXCEPTION
        assert (
            await ci.text(build, "generic", "err.text")
            == 'RuntimeError: run() ended while its command "shell" was running; is a yield or an '
            "await missing before self.runCommand(...)?\n"
            f"(Running was created at {ci.path}/master.cfg:{_line_of(ci, builder)})\n"
        )
        assert ci.now - begun < 20
        assert "Unhandled" not in ci.log


async def test_commands_that_a_step_waits_for_together_are_no_fault() -> None:
    async with started(_FORGETFUL) as ci:
        ci.worker("local").on("two", seconds=60, rc=0)
        build = await ci.build("together")

        assert build.result == Result.SUCCESS


def _line_of(ci: World, builder: str) -> int:
    lines = (ci.path / "master.cfg").read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if f"add({builder!r}" in line)
