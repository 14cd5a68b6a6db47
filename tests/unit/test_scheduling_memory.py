"""What schedulers remember, whatever was stored before."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargehand.domain.change import Change
from chargehand.scheduling.memory import LatestSources, Memory
from chargehand.scheduling.rules import Codebase
from chargehand.testing.intake import MemoryStateStore


def memory(state: Any = None) -> Memory:
    return Memory(name="s", class_name="Nightly", state=state or MemoryStateStore())


def change(number: int, revision: str, codebase: str = "") -> Change:
    return Change(
        id=number,
        source_stamp_id=number,
        author="me",
        committer=None,
        files=(),
        comments="",
        revision=revision,
        when=0.0,
        branch="main",
        category=None,
        revlink="",
        properties={},
        repository="/r",
        project="",
        codebase=codebase,
    )


async def test_what_was_remembered_is_read_again() -> None:
    kept = memory()

    await kept.remember("last_build", 5)

    assert await kept.read("last_build", float) == 5.0


@pytest.mark.parametrize("stored", [None, "soon", [1], {"a": 1}])
async def test_what_is_of_another_kind_counts_as_nothing(stored: Any) -> None:
    kept = memory()

    await kept.remember("last_build", stored)

    assert await kept.read("last_build", float) is None


async def test_the_newest_source_of_each_codebase_is_known_after_a_restart() -> None:
    state = MemoryStateStore()
    sources = LatestSources(memory(state))
    await sources.note(change(2, "two", "lib"))
    await sources.note(change(1, "one", "lib"))

    again = LatestSources(memory(state))
    await again.load()

    configured = {"lib": Codebase(branch="stable"), "app": Codebase(branch="stable")}
    assert again.over(configured) == {
        "lib": Codebase(repository="/r", branch="main", revision="two"),
        "app": Codebase(branch="stable"),
    }


@given(numbers=st.lists(st.integers(1, 50), min_size=1, unique=True))
async def test_in_whatever_order_changes_come_the_newest_one_wins(numbers: list[int]) -> None:
    sources = LatestSources(memory())

    for number in numbers:
        await sources.note(change(number, str(number)))

    assert sources.over({"": Codebase()})[""].revision == str(max(numbers))
