"""What decides whether builds are done and where: conditions, functions, and what those see."""

from __future__ import annotations

import re

import pytest
from written import started, written

from chargehand.config.errors import ConfigErrors
from chargehand.domain.result import Result

_BUILDERS = """
from twisted.internet import defer

async def later(build):
    return False

class Rule:
    def __call__(self, build):
        return build.getProperty('wanted', False)

@util.renderer
def rendered(properties):
    return properties.getProperty('buildername') == 'other'

def bad(build):
    raise LookupError('no idea')

@util.renderer
def odd(properties):
    if properties.getProperty('buildername') not in ('yes', 'none', 'bad'):
        raise LookupError('nobody needs it')

GIVEN = {'given': util.Interpolate('given to %(prop:buildername)s'), 'odd': odd}

def builder(name, condition):
    add(name, sh('true', name='one'), sh('true', name='always', alwaysRun=True),
        do_build_if=condition, properties=GIVEN)

builder('constant', False)
builder('function', lambda build: build.properties['buildername'] == 'other')
builder('zero', lambda build: 0)
builder('async', later)
builder('deferred', lambda build: defer.succeed(False))
builder('object', Rule())
builder('renderer', rendered)
factory = util.BuildFactory([sh('true')])
factory.setSkipBuildIf(lambda build: build.getProperty('buildername') == 'skips')
for name in ('skips', 'does not skip'):
    c['builders'].append(util.BuilderConfig(
        name=name, workernames='local', factory=factory,
        properties=GIVEN if name == 'skips' else {}))
builder('yes', lambda build: build.reason == 'test' or build.do_build)
builder('none', None)
builder('bad', bad)
"""


async def test_a_build_whose_builder_does_not_want_it_is_skipped_and_runs_no_step() -> None:
    async with started(_BUILDERS) as ci:
        for name in (
            "constant",
            "function",
            "zero",
            "async",
            "deferred",
            "object",
            "renderer",
            "skips",
        ):
            build = await ci.build(name)

            assert (build.result, build.state) == (Result.SKIPPED, "build skipped"), name
            assert ci.steps(build) == [], name
            properties = await ci.properties(build)
            assert properties["buildername"] == [name, "Builder"]
            assert properties["workername"] == ["local", "Worker"]
            assert properties["given"] == ["given to " + name, "Builder"]
            assert "odd" not in properties
        assert (await ci.build("does not skip")).result is Result.SUCCESS
        for name in ("yes", "none"):
            build = await ci.build(name)

            assert build.result is Result.SUCCESS
            assert [step.name for step in ci.steps(build)] == ["one", "always"]


async def test_a_condition_that_fails_ends_the_build_and_says_why() -> None:
    async with started(_BUILDERS) as ci:
        build = await ci.build("bad")

        assert build.result is Result.EXCEPTION
        assert build.state == "the build cannot start: LookupError: no idea"


async def test_what_cannot_be_a_condition_is_refused() -> None:
    async with started("add('good', sh('true'))") as ci:
        with pytest.raises(ConfigErrors, match="do_build_if must be a function, True or False"):
            await ci.reconfigure(written("add('b', sh('true'), do_build_if='on mondays')"))


_TOLD = """
told = []

class Counted(worker.LocalWorker):
    def buildStarted(self, place):
        told.append(['started', place.builder_name, place.worker.isConnected()])

    def buildFinished(self, place):
        told.append(['finished', place.builder_name, place.worker.isConnected()])

class Failing(util.BuildFactory().buildClass):
    def setupProperties(self):
        raise LookupError('no idea')

class Tells(steps.BuildStep):
    name = 'tells'
    def run(self):
        self.setProperty('told', list(told))
        return util.SUCCESS

c['workers'] = [Counted('local'), worker.LocalWorker('other')]
factory = util.BuildFactory([sh('true')])
factory.buildClass = Failing
c['builders'].append(util.BuilderConfig(name='fails', workernames=['local'], factory=factory))
add('lost', blocking('waits'))
add('tells', Tells(), workernames=['other'])
"""


async def test_what_happens_while_a_worker_hears_of_the_end_does_not_change_it() -> None:
    text = """
import asyncio

class Slow(worker.LocalWorker):
    async def buildStarted(self, place):
        pass

    async def buildFinished(self, place):
        await asyncio.sleep(20)

c['workers'] = [Slow('local')]
add('good', sh('true'))
"""
    async with started(text) as ci:
        request = await ci.force("good")
        await ci.sleep(5)
        assert ci.builds("good")[0].complete_at is None
        ci.worker("local").die()
        await ci.finished(request)

        assert [build.result for build in ci.builds("good")] == [Result.SUCCESS]


async def test_a_worker_is_told_of_the_end_of_each_build_of_whose_beginning_it_was_told() -> None:
    async with started(_TOLD) as ci:
        await ci.build("fails")
        await ci.force("lost")
        await ci.sleep(75)
        ci.worker("local").die()
        await ci.sleep(0.5)
        assert re.fullmatch(
            'retry \\(worker lost: local\\) during "waits" after 1 min 15 s; '
            "retry 1 of 10 at ..:..:.. UTC",
            ci.builds("lost")[0].state,
        )

        told = (await ci.properties(await ci.build("tells")))["told"][0]

        assert told[:4] == [
            ["started", "fails", True],
            ["finished", "fails", True],
            ["started", "lost", True],
            ["finished", "lost", False],
        ]


_SEES = """
seen = []

def workers_of(builder):
    return [place.worker.workername for place in builder.workers]

def prioritize(master, builders):
    seen.append({one.name: workers_of(one) for one in builders})
    return [one for one in builders if one.name != 'never']

def may_start(builder, place, request):
    seen.append([place in builder.workers, place.isAvailable(), place.isBusy(),
                 place.worker.info.getProperty('system'), place.worker.worker_system])
    return True

class Sees(steps.BuildStep):
    name = 'sees'
    def run(self):
        place = self.build.workerforbuilder
        self.setProperty('seen', list(seen))
        self.setProperty('here', [place in self.build.builder.workers, place.isAvailable(),
                                  place.isBusy(), workers_of(self.build.builder)])
        self.setProperty('state', [place.state.name, place.worker.info.getProperty('os_id')])
        return util.SUCCESS

c['workers'].append(worker.LocalWorker('second'))
c['prioritizeBuilders'] = prioritize
add('asked', Sees(), workernames=['local', 'second'], canStartBuild=may_start)
add('idle', sh('true'), workernames=['second', 'local'])
add('never', sh('true'))
"""


async def test_functions_see_connected_workers_and_builders_without_requests() -> None:
    async with started(_SEES) as ci:
        never = await ci.force("never")
        await ci.reconfigure(written(_SEES + "c['title'] = 'reads it again'"))
        await ci.waits(never, "refused_by_function")

        properties = await ci.properties(await ci.build("asked"))

        here = ["local", "second"]
        everything = {"asked": here, "idle": ["second", "local"], "never": ["local"]}
        assert everything in properties["seen"][0]
        assert {"asked": here} in properties["seen"][0]
        assert [True, True, False, "posix", "posix"] in properties["seen"][0]
        assert properties["here"][0] == [True, False, True, here]
        assert properties["state"][0] == ["BUILDING", "world"]


async def test_builders_of_a_worker_that_decides_stay_builders_after_a_reconfiguration() -> None:
    text = """
class Picky(worker.LocalWorker):
    def canStartBuild(self):
        return True

class Looks(steps.BuildStep):
    def run(self):
        self.setProperty('names', [one.name for one in self.master.config.builders])
        return util.SUCCESS

c['workers'] = [Picky('local')]
add('b', Looks())
"""
    async with started(text) as ci:
        await ci.reconfigure(written(text + "c['title'] = 'another'"))

        build = await ci.build("b")

        assert (await ci.properties(build))["names"][0] == ["b"], build.state
