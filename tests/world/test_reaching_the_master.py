"""What the guide to reaching the master shows, and what may go wrong with it."""

from __future__ import annotations

from how_to_code import code_of
from written import started, written

from chargehand.domain.result import Result

_TEXT = f"""{code_of("reach-the-master")}
add('counted', Counts(), Counts())
add('reads', Reconfigure(), sh('make after'))
for name in ('large', 'small', 'tiny', 'least'):
    add(name, blocking(name), canStartBuild=fits)
"""


async def test_the_guides_services_find_each_other_by_name() -> None:
    finds = """
class Finds(steps.BuildStep):
    def run(self):
        counter = self.master.namedServices['counter']
        assert counter is self.master.namedServices['services'].namedServices['counter']
        assert counter is self.master.namedServices.get('counter')
        assert 'force' in self.master.namedServices['schedulers'].namedServices
        assert self.master.namedServices.get('nothing') is None
        return util.SUCCESS
add('finds', Finds())
"""
    async with started(_TEXT + finds) as ci:
        build = await ci.build("counted")
        states = [step.state for step in ci.steps(build)]
        assert states == ["build 1 since the start", "build 2 since the start"]
        assert (await ci.build("finds")).result is Result.SUCCESS


async def test_a_step_reads_the_configuration_again_and_its_build_goes_on() -> None:
    async with started(_TEXT) as ci:
        file = ci.path / "master.cfg"
        file.write_text(written(_TEXT + "add('new', sh('true'))"))
        build = await ci.build("reads")

        assert build.result is Result.SUCCESS
        assert [step.name for step in ci.steps(build)] == ["reconfigure", "shell"]
        assert (await ci.build("new")).result is Result.SUCCESS

        file.write_text(written(_TEXT + "c['titel'] = 'x'"))
        build = await ci.build("reads")
        assert build.result is Result.EXCEPTION
        assert 'unknown key "titel"; did you mean "title"?' in build.state
        assert (await ci.build("new")).result is Result.SUCCESS


async def test_places_of_a_worker_say_which_are_busy_also_for_builds_about_to_start() -> None:
    async with started(_TEXT) as ci:
        requests = [await ci.force(name) for name in ("large", "small", "tiny", "least")]
        await ci.settle()

        running = [bool(ci.builds_of(request)) for request in requests]
        assert running == [True, True, False, False]

        ci.worker("local").let_go("block large")
        await ci.settle()
        assert [bool(ci.builds_of(request)) for request in requests] == [True] * 4
