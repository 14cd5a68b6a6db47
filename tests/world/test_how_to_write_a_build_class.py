"""What the guide about build classes shows works as it is written."""

from __future__ import annotations

from how_to_code import code_of
from written import started

from chargehand.domain.result import Result


async def test_the_guide_about_build_classes_shows_one_that_works() -> None:
    configuration = code_of("write-a-build-class") + (
        "c['builders'].append({'name': 'b', 'slavename': 'local', 'builddir': 'b', 'factory': f})\n"
    )
    async with started(configuration) as ci:
        ci.worker("local").on("make lint", rc=1)

        build = await ci.build("b", branch="release", repository="https://example.org/one.git")

        assert build.result is Result.WARNINGS
        assert [step.name for step in ci.steps(build)] == ["lint", "test", "dist"]
        assert (await ci.properties(build))["is_release"] == [True, "DynamicBuild"]
        assert "in dir b/f69ac970\n" in await ci.text(build, "test")
