"""The examples of the chapter about customization, old and new style, in whole masters."""

from __future__ import annotations

from written import started

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
        assert (await ci.properties(build))["seen"][0] == ["written", "written", [1]]


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

def of_one(source_stamp):
    return hashlib.md5(source_stamp.repository.encode()).hexdigest()[:8]

def of_all(source_stamps):
    return hashlib.md5(source_stamps[0].repository.encode()).hexdigest()[:8]

async def late(source_stamp):
    return 'build'

for workdir in (of_one, of_all, late, lambda stamps: None):
    build(workdir.__name__, Build, sh('true', name='runs'), workdir=workdir)
build('rendered', Build, sh('true', name='runs'), workdir=util.Interpolate('%(prop:buildername)s'))
build('own', Build, sh('true', name='runs', workdir='own'), workdir=of_one)
"""


async def test_a_factorys_workdir_may_be_a_function_of_the_source_stamps() -> None:
    async with started(_OWN_BUILDS + _WORKDIRS) as ci:
        wanted = {"of_one": "f69ac970", "of_all": "f69ac970", "rendered": "rendered", "own": "own"}
        for name, directory in wanted.items():
            build = await ci.build(name, repository="https://example.org/one.git")
            assert build.result is Result.SUCCESS
            assert f"in dir {name}/{directory}\n" in await ci.text(build, "runs")

        other = await ci.build("of_one", repository="https://example.org/two.git")
        assert "of_one/f69ac970" not in await ci.text(other, "runs")

        for name in ("late", "<lambda>"):
            build = await ci.build(name)
            assert build.result is Result.EXCEPTION
            assert "must return the path of a directory at once" in build.state
