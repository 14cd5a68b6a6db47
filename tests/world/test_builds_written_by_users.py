"""What users' classes write or override of builds and steps is read back."""

from __future__ import annotations

import pytest
from written import started, written

from chargehand.config.errors import ConfigErrors
from chargehand.domain.result import Result

_STEPS = """
class Does(steps.BuildStep):
    name = 'does'
    def __init__(self, what, result=util.SUCCESS, **more):
        self.what, self.result = what, result
        super().__init__(**more)
    def run(self):
        self.what(self)
        return self.result
"""


@pytest.mark.parametrize(
    ("written_result", "returned", "wanted"),
    [
        ("SKIPPED", "SKIPPED", Result.SKIPPED),
        ("WARNINGS", "SUCCESS", Result.WARNINGS),
        ("FAILURE", "SUCCESS", Result.FAILURE),
        ("EXCEPTION", "SUCCESS", Result.EXCEPTION),
        ("WARNINGS", "FAILURE", Result.FAILURE),
        ("SUCCESS", "SUCCESS", Result.SUCCESS),
    ],
)
async def test_a_result_that_a_step_writes_into_its_build_counts(
    written_result: str, returned: str, wanted: Result
) -> None:
    configuration = f"""
def write(step):
    step.build.results = util.{written_result}
add('b', sh('true'), Does(write, util.{returned}))
"""
    async with started(_STEPS + configuration) as ci:
        build = await ci.build("b")

        assert build.result is wanted


async def test_a_step_may_mend_the_result_and_later_steps_see_it() -> None:
    configuration = """
seen = []
def mend(step):
    step.build.results = util.SUCCESS
def look(step):
    step.setProperty('seen', step.build.results)
add('b', sh('exit 1', name='fails'), Does(look, name='before'), Does(mend),
    Does(look, name='after'))
"""
    async with started(_STEPS + configuration) as ci:
        build = await ci.build("b")

        assert build.result is Result.SUCCESS
        assert (await ci.properties(build))["seen"] == [0, "Unknown"]


async def test_nonsense_in_the_result_of_a_build_is_left_out() -> None:
    configuration = """
def write(step):
    step.build.results = 'green'
add('b', sh('exit 1', name='fails'), Does(write))
"""
    async with started(_STEPS + configuration) as ci:
        assert (await ci.build("b")).result is Result.FAILURE


@pytest.mark.parametrize("kind", ["def", "async def"])
async def test_a_build_class_may_extend_how_a_build_is_set_up(kind: str) -> None:
    configuration = f"""
from buildbot.process.build import Build
class Mine(Build):
    workdir = 'elsewhere'
    {kind} setupBuild(self):
        super().setupBuild()
        self.steps.pop()
        self.setProperty('set', 'up')
    def blamelist(self):
        return ['nobody']
class Factory(util.BuildFactory):
    buildClass = Mine
def look(step):
    step.setProperty('seen', [*step.build.blamelist(), step.build.getProperty('set')])
c['builders'].append(util.BuilderConfig(name='b', workernames=['local'],
    factory=Factory([Does(look), sh('exit 1')])))
"""
    async with started(_STEPS + configuration) as ci:
        build = await ci.build("b")

        assert build.result is Result.SUCCESS
        assert [step.name for step in ci.steps(build)] == ["does"]
        assert (await ci.properties(build))["seen"] == [["nobody", "up"], "Unknown"]


async def test_attributes_that_a_step_sets_while_it_runs_count() -> None:
    configuration = """
def write(step):
    step.flunkOnFailure = False
    step.warnOnFailure = True
    step.haltOnFailure = True
    step.descriptionDone = ['all', 'said']
    step.hideStepIf = True
add('b', Does(write, util.FAILURE), sh('true', name='not run'))
"""
    async with started(_STEPS + configuration) as ci:
        build = await ci.build("b")

        assert build.result is Result.WARNINGS
        (step,) = ci.steps(build)
        assert (step.state, step.hidden) == ("all said (failure)", True)


_FORGETS = "def __init__(self, *given, **more): self.x = 1"
_FORGETFUL = {
    "step": f"""
class Forgets(steps.BuildStep):
    {_FORGETS}
add('b', Forgets())
""",
    "shell step": f"""
class Forgets(steps.ShellCommand):
    {_FORGETS}
add('b', Forgets(command='true'))
""",
    "scheduler": f"""
class Forgets(schedulers.SingleBranchScheduler):
    {_FORGETS}
c['schedulers'] = [Forgets(name='s', builderNames=['b'])]
add('b', sh('true'))
""",
    "timed scheduler": f"""
class Forgets(schedulers.Nightly):
    {_FORGETS}
c['schedulers'] = [Forgets(name='s', builderNames=['b'])]
add('b', sh('true'))
""",
    "git poller": f"""
class Forgets(changes.GitPoller):
    {_FORGETS}
c['change_source'] = [Forgets('https://example.org/a.git')]
add('b', sh('true'))
""",
    "subversion poller": f"""
class Forgets(changes.SVNPoller):
    {_FORGETS}
c['change_source'] = [Forgets('https://example.org/a')]
add('b', sh('true'))
""",
    "service": f"""
from buildbot.util.service import BuildbotService
class Forgets(BuildbotService):
    {_FORGETS}
c['services'] = [Forgets(name='s')]
add('b', sh('true'))
""",
    "worker": f"""
class Forgets(worker.LocalWorker):
    {_FORGETS}
c['workers'].append(Forgets('w'))
add('b', sh('true'))
""",
    "factory": f"""
class Forgets(util.BuildFactory):
    {_FORGETS}
c['builders'].append(util.BuilderConfig(name='b', workernames=['local'], factory=Forgets()))
""",
}


@pytest.mark.parametrize("text", _FORGETFUL.values(), ids=_FORGETFUL.keys())
async def test_a_class_that_forgets_its_base_class_is_named_when_it_is_configured(
    text: str,
) -> None:
    async with started("add('good', sh('true'))") as ci:
        with pytest.raises(ConfigErrors) as raised:
            await ci.reconfigure(written(text))

        found = [str(error) for error in raised.value.errors]
        assert any("Forgets.__init__" in one and "must call super()" in one for one in found), found
        assert any("master.cfg" in one for one in found)
        assert (await ci.build("good")).result is Result.SUCCESS


async def test_a_build_or_a_later_step_that_forgets_its_base_class_is_named_in_the_build() -> None:
    configuration = f"""
from buildbot.process.build import Build
class ForgetsBuild(Build):
    {_FORGETS}
class Factory(util.BuildFactory):
    buildClass = ForgetsBuild
class Forgets(steps.BuildStep):
    {_FORGETS}
def add_it(step):
    step.build.addStepsAfterCurrentStep([Forgets()])
c['builders'].append(util.BuilderConfig(name='build', workernames=['local'],
                                        factory=Factory([sh('true')])))
add('later', Does(add_it))
"""
    async with started(_STEPS + configuration) as ci:
        for name in ("build", "later"):
            build = await ci.build(name)
            assert build.result is Result.EXCEPTION
            assert "must call super().__init__" in build.state
