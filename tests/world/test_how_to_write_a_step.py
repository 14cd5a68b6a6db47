"""What the guide about steps shows works as it is written."""

from __future__ import annotations

from how_to_code import code_of
from written import started

from chargehand.domain.result import Result

_CONFIGURATION = """
c['builders'].append(util.BuilderConfig(name='b', workernames=['local'], factory=factory))
"""


async def test_the_guide_about_steps_shows_some_that_work() -> None:
    async with started(code_of("write-a-step") + _CONFIGURATION) as ci:
        ci.worker("local").on("run-tests unit", output="a.b ... [OK]\nc ... [OK]\nd ... [FAIL]")
        ci.worker("local").on("run-tests system", rc=1, output="e ... [OK]")
        ci.worker("local").on("run-tests --again system", output="e ... [OK]")

        build = await ci.build("b")

        assert (build.result, build.state) == (
            Result.SUCCESS,
            "build successful unit: 2 system: 2",
        )
        states = [step.state for step in ci.steps(build)]
        assert states == ["2 tests", "2 tests", "4 tests in all"]
        assert await ci.text(build, "tests", "summary") == "2 tests of unit\n"
        assert ci.step(build, "system-tests").urls[0].url.endswith("/system")
