"""Writes that nobody waits for: what goes wrong is told to who waits next for the same build."""

from __future__ import annotations

import pytest
from store_workshop import Workshop

from chargehand.domain.result import Result
from chargehand.store.engine.transaction import Transaction


def _fails(_: Transaction) -> None:
    raise ValueError("cannot be written")


async def test_a_failure_is_told_once_and_nothing_after_it_is_written(workshop: Workshop) -> None:
    build = await workshop.build()
    step = await workshop.step(build)
    database = workshop.store.database

    database.record(_fails, sequence=build.id)
    workshop.store.steps.finish_step(step, Result.SUCCESS, "done", False)

    with pytest.raises(ValueError, match="cannot be written"):
        await workshop.store.steps.add_step(build.id, "next", "")
    (row,) = await workshop.rows("steps")
    assert row["complete"] is False
    await workshop.store.builds.finish_build(build, Result.EXCEPTION, "failed", [])
    assert (await workshop.rows("builds"))[0]["complete"] is True


async def test_other_builds_do_not_hear_of_it(workshop: Workshop) -> None:
    build, other = await workshop.build(), await workshop.build()

    workshop.store.database.record(_fails, sequence=build.id)
    workshop.store.builds.set_build_state(other, "building")
    await workshop.step(other)

    states = {row["buildid"]: row["state_string"] for row in await workshop.rows("builds")}
    assert states[other.id] == "building"


async def test_statements_that_repeat_return_what_they_did_at_first(workshop: Workshop) -> None:
    build = await workshop.build()

    steps = [await workshop.step(build, f"step {n}") for n in range(8)]
    for number in range(8):
        workshop.store.builds.set_build_properties(build.id, {"a": (number, "x"), "b": (None, "x")})

    assert [step.number for step in steps] == list(range(8))
    assert [row["name"] for row in await workshop.rows("steps")] == [step.name for step in steps]
    (row,) = await workshop.rows("properties", scope={"buildid": build.id})
    assert row == {"a": [7, "x"], "b": [None, "x"]}
