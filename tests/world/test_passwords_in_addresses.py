"""Passwords in the addresses of repositories: steps use them, and nobody is shown them."""

from __future__ import annotations

import json

import pytest
from written import started

from chargehand.domain.identifiers import ChangeSourceId
from chargehand.domain.master import ChangeSource
from chargehand.events.messages import BuildsetSubmitted, ChangeAdded
from chargehand.resources.announcements import announcement
from chargehand.resources.farm import CHANGE_SOURCE

ADDRESS = "https://user:hunter2@host.example/x.git"
SHOWN = "https://user:***@host.example/x.git"
CONFIGURATION = """
    c['schedulers'] = [schedulers.AnyBranchScheduler(name='any', builderNames=['b'])]
    add('b', steps.ShellCommand(command=['clone', util.Interpolate('%(src::repository)s')]))
    """


async def test_an_address_is_shown_without_its_password_and_used_with_it() -> None:
    async with started(CONFIGURATION) as ci:
        told: list[str] = []
        ci.master.bus.subscribe(
            lambda event: told.append(str(announcement(event).resource)),
            ChangeAdded,
            BuildsetSubmitted,
        )
        await ci.push(branch="main", revision="abc", repository=ADDRESS)
        await ci.until_idle()
        paths = ("changes", "changes/1", "sourcestamps", "buildsets", "builds?property=*")
        shown = [json.dumps(await ci.get(path)) for path in paths]
        commands = list(ci.worker("local").commands)

    assert f"clone {ADDRESS}" in commands
    assert [text for text in (*shown, *told) if "hunter2" in text] == []
    assert all(SHOWN in text for text in (*shown, *told))


@pytest.mark.parametrize("sentence", [None, f"cannot read {ADDRESS}: no route to host"])
def test_change_sources_are_shown_without_passwords(sentence: str | None) -> None:
    source = ChangeSource(id=ChangeSourceId(1), name=ADDRESS, state_string=sentence)

    row = CHANGE_SOURCE.shown(source)

    assert row["name"] == SHOWN
    assert row["state_string"] == (sentence and sentence.replace("hunter2", "***"))
