"""What the guide to triggered builds gives people to copy."""

from __future__ import annotations

import re
from pathlib import Path

from chargehand.domain.result import Result
from chargehand.testing.world import world

_GUIDE = Path(__file__).parents[2] / "docs" / "how-to" / "trigger-other-builders.md"
_WEB = "\nc['www'] = {'port': 8010}\nc['buildbotNetUsageData'] = None\n"


def _blocks() -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", _GUIDE.read_text(), re.MULTILINE | re.DOTALL)


async def test_the_guide_builds_what_it_says() -> None:
    configuration, decided, _ = _blocks()
    async with world(configuration + decided + _WEB) as ci:
        ci.worker("local").on("make style", rc=1)

        await ci.push(branch="main", revision="abc")
        await ci.until_idle()

        main = ci.last_build("main")
        assert main.result is Result.SUCCESS
        told = "triggered platforms (2 success), style (failure, unimportant)"
        assert ci.step(main, "trigger").state == told
        levels = [(await ci.properties(build))["level"][0] for build in ci.builds("linux")]
        assert sorted(levels) == ["full", "full", "slow"]
        assert len(ci.builds("announce")) == 1
        assert ci.last_build("announce").started_at >= main.started_at


async def test_a_failure_on_one_platform_ends_it() -> None:
    async with world(_blocks()[0] + _WEB) as ci:
        ci.worker("local").on("make test LEVEL=full", rc=2)

        await ci.push(branch="main", revision="abc")
        await ci.until_idle()

        main = ci.last_build("main")
        assert main.result is Result.FAILURE
        assert ci.step(main, "trigger").state == (
            "triggered platforms (2 failure), style (success, unimportant)"
        )
        assert [step.name for step in ci.steps(main)] == ["sources", "trigger"]
        assert not ci.builds("announce")


async def test_builds_are_listed_under_the_builder_that_they_name() -> None:
    configuration, _, listed = _blocks()
    async with world(configuration + listed + "main.addStep(packages)\n" + _WEB) as ci:
        await ci.push(branch="main", revision="abc")
        await ci.until_idle()

        (virtual,) = [one for one in await ci.get("builders") if one["name"] == "zlib"]
        assert virtual["tags"] == ["package", "_virtual_"]
        found = await ci.get(f"builders/{virtual['builderid']}/builds")
        assert [build["number"] for build in found] == [1, 2]
