"""Changes are found by number or revision, and commands say which there are."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from chargehand.app.failure import CommandFailed
from chargehand.cli.remote.finding import Kind, change_named, named, of_revision
from chargehand.cli.remote.master import Parameter, RemoteMaster, Row


class Answering(RemoteMaster):
    """A master with builder "deadbeef" and these changes."""

    def __init__(self, *revisions: str) -> None:
        self._changes: list[Row] = [
            {"changeid": number, "author": "me", "comments": "", "branch": None, "revision": one}
            for number, one in enumerate(revisions, 1)
        ]

    async def rows(self, path: str, /, **parameters: Parameter | Sequence[Parameter]) -> list[Row]:
        if path == "builders":
            return [{"builderid": 1, "name": "deadbeef"}]
        found = [row for row in self._changes if _fits(row, parameters)]
        return found[:-2:-1] if "order" in parameters else found


def _fits(row: Row, parameters: dict[str, Parameter | Sequence[Parameter]]) -> bool:
    wanted = parameters.get("changeid", row["changeid"])
    part = str(parameters.get("revision__contains", ""))
    return row["changeid"] == wanted and part in str(row["revision"])


@pytest.mark.parametrize(
    ("text", "number"),
    [("change:1", 1), ("change:6e3138f", 2), ("Change 6e3138f", 2), ("6e3138f3f6", 2)],
)
async def test_a_change_is_found(text: str, number: int) -> None:
    master = Answering("43c31bb6e5", "6e3138f3f6")

    found = await change_named(master, await of_revision(master, named(text)))

    assert found.changeid == number


async def test_a_builder_s_name_that_looks_like_a_revision_is_the_builder() -> None:
    assert (await of_revision(Answering(), named("deadbeef"))).kind is Kind.BUILDER


@pytest.mark.parametrize(
    ("text", "revisions", "said"),
    [
        ("change:9", ["43c31bb6e5"], "no change 9. The newest is change:1 (43c31bb6e5)."),
        (
            "change:abc",
            ["43c31bb6e5"],
            'no change with revision "abc". The newest is change:1 (43c31bb6e5).',
        ),
        (
            "change:9",
            [],
            "no change 9. No changes have arrived yet: see the change sources at /changes.",
        ),
    ],
)
async def test_a_change_that_does_not_exist(text: str, revisions: list[str], said: str) -> None:
    with pytest.raises(CommandFailed) as failed:
        await change_named(Answering(*revisions), named(text))

    assert str(failed.value) == said
