"""What the how-to guide for schedulers shows works as it is written."""

from __future__ import annotations

import re
import unittest
from typing import Any

from how_to_code import code_of, guide_text
from written import started

_BUILDER = "add('tests', sh('true'))\n"


async def test_schedulers_of_the_guide_build_what_they_say() -> None:
    async with started(_BUILDER + code_of("write-a-scheduler")) as ci:
        await ci.push(branch="main", revision="1", author="ann", comments="Merge topic")
        await ci.push(branch="main", revision="2", author="bob", files=["notes/2.md"])
        for number in range(3, 12):
            await ci.push(branch="main", revision=str(number), author="carl", comments="Merge x")
        await ci.sleep(31)
        await ci.until_idle()

        rows = await ci.get("buildsets")
        found = {(row["reason"], row["sourcestamps"][0]["revision"]) for row in rows}
        assert ("change 2", "2") in found
        assert ("change 10", "10") in found
        assert ("a change of ann", "1") in found
        assert sum("no merges" in reason for reason, _ in found) == 1
        assert len(rows) == 4


def test_the_test_of_the_guide_passes() -> None:
    blocks = re.findall(r"^```python\n(.*?)^```$", guide_text("write-a-scheduler"), re.M | re.S)
    scope: dict[str, Any] = {"__name__": "guide", "c": {"schedulers": []}}
    for block in blocks:
        exec(block, scope)
    result = unittest.TestResult()

    unittest.defaultTestLoader.loadTestsFromTestCase(scope["NoMergesTests"]).run(result)

    assert result.testsRun == 1
    assert not result.failures + result.errors, result.failures + result.errors
