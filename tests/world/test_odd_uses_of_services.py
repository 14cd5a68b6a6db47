"""Schedulers, reporters and running steps of users, written a little differently than shown."""

from __future__ import annotations

from written import started

from chargehand.domain.result import Result

_SCHEDULERS = """
from twisted.internet import defer
from buildbot.schedulers.base import BaseScheduler, ReconfigurableBaseScheduler
from buildbot.schedulers.basic import AnyBranchScheduler

class Mine(ReconfigurableBaseScheduler):
    def checkConfig(self, builderNames, mine=None, **more):
        return super().checkConfig(builderNames=builderNames, **more)
    @defer.inlineCallbacks
    def reconfigService(self, builderNames, mine=None, **more):
        self.mine = mine
        yield super().reconfigService(builderNames=builderNames, **more)
    @defer.inlineCallbacks
    def activate(self):
        yield super().activate()
        yield self.addBuildsetForSourceStampsWithDefaults(
            reason=f'mine {self.mine}', sourcestamps=[{'codebase': '', 'branch': 'x'}],
            waited_for=False, properties=None)
        bsid, requests = yield self.addBuildsetForSourceStamps(
            sourcestamps=[{'codebase': '', 'repository': 'r', 'branch': None, 'revision': None,
                           'project': 'p'}],
            reason='second', external_idstring='ext', builderNames=['b'], priority=3)
        assert len(requests) == 1

class Old(BaseScheduler):
    def __init__(self, name, builderNames, **more):
        super().__init__(name, builderNames, **more)
        self.extra = 'extra'
    def activate(self):
        done = super().activate()
        done.addCallback(lambda _: self.startConsumingChanges(fileIsImportant=self.is_important))
        return done
    def is_important(self, change):
        return change.author == 'important'
    async def gotChange(self, change, important):
        await self.addBuildsetForChanges(
            reason=f'{self.extra} {important}', changeids=[change.number],
            properties=self.properties)

class Flagged(AnyBranchScheduler):
    def checkConfig(self, *args, **more):
        more.pop('flag', None)
        return super().checkConfig(*args, **more)
    def reconfigService(self, *args, **more):
        self.flag = more.pop('flag', None)
        return super().reconfigService(*args, **more)
    def gotChange(self, change, important):
        change.properties.setProperty('flag', self.flag, 'Flagged')
        return super().gotChange(change, important)

c['schedulers'] += [
    Mine(name='mine', builderNames=['b'], mine=7), Old('old', ['b'], properties={'own': 1}),
    Flagged('flagged', builderNames=['b'], flag='f', reason='flagged')]
add('b', sh('true'))
"""


async def test_schedulers_take_arguments_of_their_own_in_either_way() -> None:
    async with started(_SCHEDULERS) as ci:
        await ci.until_idle()
        rows = await ci.get("buildsets?order=bsid")
        found = [(row["reason"], row["external_idstring"]) for row in rows]
        assert found == [("mine 7", None), ("second", "ext")]
        assert rows[0]["sourcestamps"][0]["branch"] == "x"

        await ci.push(author="important", revision="1", branch="z")
        await ci.until_idle()
        reasons = [row["reason"] for row in await ci.get("buildsets?order=bsid")]
        assert sorted(reasons[2:]) == ["extra True", "flagged"]
        assert all(build.result is Result.SUCCESS for build in ci.builds())


_REPORTERS = """
from twisted.internet import defer
from buildbot.reporters.base import ReporterBase
from buildbot.reporters.generators.build import (
    BuildStartEndStatusGenerator, BuildStatusGenerator)
from buildbot.reporters.message import (
    MessageFormatter, MessageFormatterFunction, MessageFormatterRenderable)

sent = []

class Own(BuildStatusGenerator):
    @defer.inlineCallbacks
    def generate(self, master, reporter, key, message):
        report = yield super().generate(master, reporter, key, message)
        if report is not None:
            report['subject'] += '!'
        return report
    def is_message_needed_by_results(self, build):
        return build['results'] != util.FAILURE

class Fails(BuildStatusGenerator):
    count = 0
    def generate(self, *given):
        self.count += 1
        if self.count == 1:
            raise ValueError('first report')
        return None if self.count == 2 else super().generate(*given)

class Reports(ReporterBase):
    def checkConfig(self, generators=None, mine=1, **more):
        return super().checkConfig(generators=generators or [Own()], **more)
    @defer.inlineCallbacks
    def reconfigService(self, generators=None, mine=1, **more):
        self.mine = mine
        yield super().reconfigService(generators=generators or [Own()], **more)
    async def sendMessage(self, reports):
        sent.append([self.name, self.mine, *(report['body'].strip() for report in reports),
                     reports[0]['subject']])

class Formatter(MessageFormatter):
    def buildAdditionalContext(self, master, context):
        context['more'] = 'MORE'
        return super().buildAdditionalContext(master, context)

class Tells(steps.BuildStep):
    name = 'tells'
    def run(self):
        self.setProperty('sent', sorted(sent))
        return util.SUCCESS

c['services'] = [
    Reports(name='own', mine=2, generators=[
        Own(message_formatter=Formatter(template='{{ build.results }} {{ more }}', subject='S'))]),
    Reports(name='fails', generators=[
        Fails(message_formatter=MessageFormatterRenderable('third', 'T'))]),
    Reports(name='both', generators=[BuildStartEndStatusGenerator(
        builders=['b'], start_formatter=MessageFormatterRenderable('started', 'B'),
        end_formatter=MessageFormatterFunction(lambda context: str(sorted(context)), 'plain'))])]
add('b', sh('true'))
add('tells', Tells())
"""


async def test_generators_and_formatters_extend_what_they_inherit() -> None:
    async with started(_REPORTERS) as ci:
        for _ in range(3):
            await ci.build("b")
            await ci.sleep(1)
        sent = (await ci.properties(await ci.build("tells")))["sent"][0]

        assert [one for one in sent if one[0] == "own"] == [["own", 2, "0 MORE", "S!"]] * 3
        assert [one for one in sent if one[0] == "fails"] == [["fails", 1, "third", "T"]]
        bodies = sorted(one[2] for one in sent if one[0] == "both")
        assert bodies == ["['build']"] * 3 + ["started"] * 3
        assert "first report" in ci.log


_RUNNING = """
from twisted.internet import defer, reactor, task
from buildbot.process.buildstep import BuildStep, CommandMixin
from buildbot.process import logobserver

class Watched(steps.ShellCommand):
    progressMetrics = ('output', 'mine')
    def __init__(self, **more):
        super().__init__(command=['echo', 'x'], **more)
        self.addLogObserver('stdio', logobserver.OutputProgressObserver('mine'))
        self.addLogObserver('stdio', logobserver.OutputProgressObserver('of nobody'))
    async def run(self):
        self.setProgress('mine', 3)
        self.setProgress('unknown', 1)
        return await super().run()
add('watched', Watched())

class Summaries(BuildStep):
    name = 'summaries'
    count = 0
    def getCurrentSummary(self):
        self.count += 1
        if self.count == 3:
            raise ValueError('third summary')
        return {'step': f'doing {self.count}'}
    @defer.inlineCallbacks
    def run(self):
        for _ in range(4):
            self.updateSummary()
            yield task.deferLater(reactor, 5, lambda: None)
        return util.SUCCESS
add('summaries', Summaries())

class Stops(BuildStep):
    name = 'stops'
    def run(self):
        self.ended = defer.Deferred()
        reactor.callLater(1, lambda: self.build.stopBuild('enough'))
        return self.ended
    def interrupt(self, reason):
        self.setProperty('reason', str(reason))
        super().interrupt(reason)
        self.ended.callback(util.CANCELLED)
add('stops', Stops(), sh('true', name='always', alwaysRun=True), sh('true', name='never'))
"""


async def test_running_steps_watch_say_and_stop_in_their_own_ways() -> None:
    async with started(_RUNNING) as ci:
        assert (await ci.build("watched")).result is Result.SUCCESS

        build = await ci.build("summaries")
        assert build.result is Result.SUCCESS
        assert "third summary" in ci.log

        build = await ci.build("stops")
        assert build.state == 'cancelled during "stops": enough'
        assert [step.name for step in ci.steps(build)] == ["stops", "always"]
        assert (await ci.properties(build))["reason"][0] == "enough"
