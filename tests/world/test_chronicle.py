"""The master's log tells the life of the farm, one line each."""

from __future__ import annotations

import logging

import pytest
from written import started

CONFIGURATION = """
    c['schedulers'] = [schedulers.AnyBranchScheduler(name='any', builderNames=['b'])]
    add('b', sh('true'), blocking('wait'))
    """


async def test_a_commit_is_followed_from_change_to_result(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "chargehand.farm")
    async with started(CONFIGURATION) as ci:
        await ci.push(branch="main", revision="abc", author="me", repository="r")
        await ci.settle()
        await ci.sleep(7)
        (build,) = await ci.get("builds")
        await ci.order(f"builds/{build['buildid']}", "stop", reason="enough")
        await ci.until_idle()

    lines = [record.getMessage() for record in caplog.records if record.name == "chargehand.farm"]
    assert lines[:3] == [
        "change 1 by me: r main abc",
        'buildset 1 submitted by scheduler "any": ' + lines[1].partition(": ")[2],
        "build b #1 started on local (build 1, request 1 waited < 0.1 s)",
    ]
    assert lines[3:] == [
        "an anonymous visitor ordered: stop build 1: enough",
        'build b #1 finished after 7.0 s cancelled by an anonymous visitor during "wait": enough',
    ]
