"""Users' code that raises a BaseException (``sys.exit()``): only what it was called for fails."""

from __future__ import annotations

import textwrap

import pytest
from written import started, written

from chargehand.config.errors import ConfigErrors
from chargehand.domain.result import Result

RAISED = [
    "SystemExit(3)",
    "KeyboardInterrupt()",
    "GeneratorExit()",
    "Own()",
    "Mute()",
    "asyncio.CancelledError()",
]

_RAISES = """
import asyncio

class Mute(Exception):
    def __str__(self):
        return self.nothing

class Own(BaseException):
    __str__ = Mute.__str__

def bad(*given, **more):
    raise {raised}

async def bad_later(*given, **more):
    import asyncio
    await asyncio.sleep(0.1)
    raise {raised}

def bad_deferred(*given, **more):
    from twisted.internet import task, reactor
    return task.deferLater(reactor, 0.1, bad)
"""

_IN_BUILDS = """
from buildbot.process import logobserver
from twisted.internet import defer

class Runs(steps.BuildStep):
    name = 'runs'
    def __init__(self, run, **more):
        self.how = run
        super().__init__(**more)
    def run(self):
        return self.how(self)

def ok(*given):
    return util.SUCCESS

class Observer(logobserver.LogLineObserver):
    outLineReceived = bad

class Observed(steps.ShellCommand):
    def __init__(self, **more):
        super().__init__(**more)
        self.addLogObserver('stdio', Observer())

class Summary(Runs):
    getResultSummary = bad

class Current(Runs):
    getCurrentSummary = bad

class Makes(util.BuildFactory):
    newBuild = bad

class Construct(steps.BuildStep):
    alive = False
    def __init__(self, **more):
        super().__init__(**more)
        if Construct.alive:
            bad()
        Construct.alive = True

async def in_a_task(step):
    import asyncio
    await asyncio.create_task(bad_later())

def in_a_callback(step):
    return defer.succeed(None).addCallback(bad)

@defer.inlineCallbacks
def in_a_generator(step):
    yield None
    bad()

def in_a_thread(step):
    from twisted.internet import threads
    return threads.deferToThread(bad)

add('run', Runs(bad))
add('later', Runs(bad_later))
add('deferred', Runs(bad_deferred))
add('task', Runs(in_a_task))
add('callback', Runs(in_a_callback))
add('generator', Runs(in_a_generator))
add('doStepIf', Runs(ok, doStepIf=bad))
add('hideStepIf', Runs(ok, hideStepIf=bad_later))
add('rendered', sh(util.Transform(bad)))
add('renderer', steps.ShellCommand(command=util.renderer(bad_deferred)))
add('locks', Runs(ok, locks=util.renderer(bad)))
add('summary', Summary(ok))
add('observer', Observed(command=['echo', 'a']))
add('properties', Runs(ok), properties={'p': util.renderer(bad)})
c['builders'].append(
    util.BuilderConfig(name='factory', workernames=['local'], factory=Makes([Runs(ok)])))
add('step', Construct())
add('good', sh('true'))
"""


@pytest.mark.parametrize("raised", RAISED)
async def test_a_step_that_would_end_the_process_fails_alone(raised: str) -> None:
    async with started(_RAISES.format(raised=raised) + _IN_BUILDS) as ci:
        names = [builder["name"] for builder in await ci.get("builders")]
        for name in names:
            build = await ci.build(name)
            wanted = Result.SUCCESS if name == "good" else Result.EXCEPTION
            assert (name, build.result) == (name, wanted)
            assert all(step.complete for step in ci.steps(build)), name


@pytest.mark.parametrize("raised", RAISED)
async def test_functions_of_dispatching_that_would_end_the_process_hurt_their_builder_only(
    raised: str,
) -> None:
    configuration = """
        c['prioritizeBuilders'] = bad
        add('next', sh('true'), nextBuild=bad_later)
        add('worker', sh('true'), nextWorker=bad)
        add('start', sh('true'), canStartBuild=bad_deferred)
        add('collapse', sh('true'), collapseRequests=bad)
        add('locks', sh('true'), locks=util.renderer(bad))
        add('good', sh('true'))
        """
    async with started(_RAISES.format(raised=raised) + textwrap.dedent(configuration)) as ci:
        stuck = [await ci.force(name) for name in ("next", "worker", "start", "locks")]
        collapsing = [await ci.force("collapse") for _ in range(2)]

        assert (await ci.build("good")).result is Result.SUCCESS
        for request_id in collapsing:
            assert (await ci.finished(request_id)).result is Result.SUCCESS
        for request_id in stuck:
            sentence = await ci.waits(request_id, "function_failed")
            assert f") failed: {raised.partition('(')[0].rpartition('.')[2]}" in sentence


@pytest.mark.parametrize("raised", RAISED)
async def test_what_would_end_the_process_elsewhere_is_survived_also_after_a_restart(
    raised: str,
) -> None:
    configuration = """
        import textwrap
        from buildbot.changes.base import ChangeSource, PollingChangeSource
        from buildbot.util.service import BuildbotService
        from twisted.internet import reactor

        class Starts(BuildbotService):
            name = 'starts'
            startService = bad
        class Stops(BuildbotService):
            name = 'stops'
            stopService = bad
        class Listens(BuildbotService):
            name = 'listens'
            async def startService(self):
                await super().startService()
                await self.master.mq.startConsuming(bad, ('builds', None, 'finished'))
                reactor.callLater(0.1, bad)
        class Configures(BuildbotService):
            name = 'configures'
            reconfigService = bad_later
        class Source(ChangeSource):
            activate = bad
        class Poller(PollingChangeSource):
            poll = bad_deferred
        class Bad(schedulers.AnyBranchScheduler):
            gotChange = bad
        class Cannot(schedulers.AnyBranchScheduler):
            activate = bad
        class Leaves(schedulers.AnyBranchScheduler):
            deactivate = bad
        c['codebaseGenerator'] = bad
        c['revlink'] = bad
        any_branch = schedulers.AnyBranchScheduler
        c['schedulers'] = [
            any_branch(name='important', builderNames=['b'], fileIsImportant=bad),
            any_branch(name='filter', builderNames=['b'],
                       change_filter=util.ChangeFilter(filter_fn=bad)),
            any_branch(name='rendered', builderNames=['b'], properties={'p': util.renderer(bad)}),
            any_branch(name='names', builderNames=util.renderer(bad)),
            Bad(name='subclass', builderNames=['b']),
            Cannot(name='cannot', builderNames=['b']),
            Leaves(name='leaves', builderNames=['b'], reason='the good one')]
        c['services'] = [Starts(), Stops(), Listens(), Configures()]
        c['change_source'] = [Source(name='source'),
                              Poller(name='poller', pollInterval=60, pollAtLaunch=True)]
        add('b', sh('true'))
        """
    async with started(_RAISES.format(raised=raised) + textwrap.dedent(configuration)) as ci:
        for restart in (1, 2):
            await ci.push(revision=str(restart), repository="r", files=["a.py"])
            await ci.until_idle()
            await ci.sleep(61)

            assert [build.result for build in ci.builds()] == [Result.SUCCESS] * restart
            await ci.restart()
        assert [row["reason"] for row in await ci.get("buildsets")] == ["the good one"] * 2


@pytest.mark.parametrize("raised", [*RAISED, "ValueError"])
async def test_a_configuration_that_would_end_the_process_is_refused_with_its_line(
    raised: str,
) -> None:
    async with started("add('good', sh('true'))") as ci:
        head = _RAISES.format(raised=raised)

        name = raised.partition("(")[0].rpartition(".")[2]
        with pytest.raises(ConfigErrors, match=rf"{name}|calls sys\.exit"):
            await ci.reconfigure(written("") + head + "\nbad()\n")

        assert (await ci.build("good")).result is Result.SUCCESS
