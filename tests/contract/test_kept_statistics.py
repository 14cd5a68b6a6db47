"""Statistics of builders, steps and workers: exact, whoever asks, and of what they see only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from store_workshop import Workshop

from chargehand.domain.build import Build, Step
from chargehand.domain.identifiers import TestResultSetId
from chargehand.domain.result import Result
from chargehand.domain.result_set import ResultOfTest, ResultSet
from chargehand.resources.query import Query
from chargehand.resources.visibility import EVERYTHING, Visibility, only
from chargehand.store.history.memory import DAY, HOUR
from chargehand.store.reading.resources import Resources

_START = 1_700_006_400
"""A midnight, on a Wednesday."""


async def _ask(workshop: Workshop, kind: str, **arguments: Any) -> list[dict[str, Any]]:
    await workshop.recorded()
    sees = arguments.pop("sees", EVERYTHING)
    query = Query(kind=f"{kind}_statistics", sees=sees, arguments=arguments)
    kept = (await workshop.store.visited_resources.fetch(query)).rows
    assert kept == (await Resources(database=workshop.store.database).fetch(query)).rows
    return kept


async def _built(
    workshop: Workshop,
    result: Result = Result.SUCCESS,
    *,
    at: float,
    seconds: float = 60.0,
    waited: float = 10.0,
    builder: str = "b1",
    failed_step: str = "",
    failed_tests: Sequence[str] = (),
    category: str = "pass_fail",
) -> Build:
    workshop.clock.seconds = _START + at - waited
    request_id = (await workshop.submit(builder)).requests[0].request.id
    workshop.clock.seconds = _START + at
    build = await workshop.start(request_id, builder=builder)
    if failed_step:
        step = await workshop.step(build, failed_step)
        if failed_tests:
            await _tested(workshop, step, category, failed_tests)
        workshop.store.steps.finish_step(step, Result.FAILURE, "failed", False)
    workshop.clock.seconds += seconds
    return await workshop.store.builds.finish_build(build, result, "done", [request_id])


async def _tested(workshop: Workshop, step: Step, category: str, failed: Sequence[str]) -> None:
    store = workshop.store.test_results
    found = await store.add_set(
        ResultSet(
            id=TestResultSetId(0),
            builder_id=workshop.builder_ids["b1"],
            build_id=step.build_id,
            step_id=step.id,
            description="tests",
            category=category,
            value_unit="boolean",
        )
    )
    results = [ResultOfTest(value="0", test_name=name) for name in failed]
    results.append(ResultOfTest(value="1", test_name="passes"))
    if category == "fail_only":
        results.pop()
    await store.add(found.id, results)
    await store.complete(found.id, passed=1, failed=len(failed))


async def test_builds_are_counted_and_measured_in_the_interval_in_which_they_began(
    workshop: Workshop,
) -> None:
    await _built(workshop, at=0, seconds=10, waited=1)
    await _built(workshop, Result.FAILURE, at=HOUR - 1, seconds=30, waited=3)
    await _built(workshop, Result.CANCELLED, at=HOUR - 1, seconds=500, waited=500)
    await _built(workshop, at=2 * HOUR, seconds=20, waited=2, builder="b2")

    span = {"since": _START + 5, "until": _START + 3 * HOUR, "interval": "hour"}
    rows = await _ask(workshop, "builder", **span)
    (of_day,) = await _ask(workshop, "builder", **(span | {"interval": "day"}))
    of_one = await _ask(workshop, "builder", **span, builderid=workshop.builder_ids["b2"])
    seen = await _ask(workshop, "builder", **span, sees=Visibility(builders=only("b2")))

    assert [row["starts_at"] for row in rows] == [_START, _START + HOUR, _START + 2 * HOUR]
    assert [row["builds"] for row in rows] == [3, 0, 1]
    assert rows[0]["counts"] | {"success": 1, "failure": 1, "cancelled": 1} == rows[0]["counts"]
    assert sum(rows[0]["counts"].values()) == 3
    assert (rows[0]["median_seconds"], rows[0]["p90_seconds"]) == (20.0, 28.0)
    assert (rows[0]["median_wait_seconds"], rows[0]["p90_wait_seconds"]) == (2.0, 2.8)
    assert rows[1]["median_seconds"] is None
    assert (of_day["builds"], of_day["median_seconds"]) == (4, 20.0)
    assert [row["builds"] for row in of_one] == [0, 0, 1]
    assert of_one[0]["builderid"] == workshop.builder_ids["b2"]
    assert [row["builds"] for row in seen] == [0, 0, 1]


async def test_a_later_build_is_in_the_next_answer_and_weeks_begin_on_mondays(
    workshop: Workshop,
) -> None:
    await _built(workshop, at=0)
    span = {"since": _START, "until": _START + DAY, "interval": "week"}
    (before,) = await _ask(workshop, "builder", **span)
    await _built(workshop, at=HOUR)

    (after,) = await _ask(workshop, "builder", **span)

    assert before["starts_at"] == after["starts_at"] == _START - 2 * DAY
    assert (before["builds"], after["builds"]) == (1, 2)


async def test_a_worker_is_busy_in_each_interval_in_which_its_builds_run(
    workshop: Workshop,
) -> None:
    await _built(workshop, at=-600, seconds=900)
    await _built(workshop, at=HOUR - 100, seconds=2 * HOUR, builder="b2")
    workshop.clock.seconds = _START + 4 * HOUR
    await workshop.build()
    workshop.clock.seconds += 50

    span = {"since": _START, "until": _START + 5 * HOUR, "interval": "hour"}
    rows = await _ask(workshop, "worker", **span)
    seen = await _ask(workshop, "worker", **span, sees=Visibility(builders=only("b2")))
    hidden = await _ask(workshop, "worker", **span, sees=Visibility(workers=only()))

    told = {(row["starts_at"] - _START) // HOUR: row for row in rows}
    assert {hour: row["busy_seconds"] for hour, row in told.items()} == {
        0: 400.0,
        1: 3600.0,
        2: 3500.0,
        4: 50.0,
    }
    assert {hour: row["builds"] for hour, row in told.items()} == {0: 1, 1: 0, 2: 0, 4: 1}
    assert {row["name"] for row in rows} == {"w1"}
    assert [row["busy_seconds"] for row in seen] == [100.0, 3600.0, 3500.0]
    assert hidden == []


async def test_flips_are_changes_between_neighbours(workshop: Workshop) -> None:
    for number, outcome in enumerate("SFSFFSX"):
        result = {"S": Result.SUCCESS, "F": Result.FAILURE, "X": Result.FAILURE}[outcome]
        step = {"F": "test", "X": "compile"}.get(outcome, "")
        await _built(workshop, result, at=100 * number, failed_step=step)
    span = {"since": _START, "until": _START + DAY}

    rows = await _ask(workshop, "step", **span)
    of_other = await _ask(workshop, "step", **span, builderid=workshop.builder_ids["b2"])

    assert [(row["name"], row["builds"], row["failures"], row["flips"]) for row in rows] == [
        ("test", 6, 3, 4),
        ("compile", 4, 1, 1),
    ]
    assert rows[0]["builder"] == "b1"
    assert of_other == []
    assert await _ask(workshop, "step", **span, sees=Visibility(builders=only("b2"))) == []


@pytest.mark.parametrize("kind", ["builder", "worker"])
async def test_too_many_intervals_are_refused(workshop: Workshop, kind: str) -> None:
    with pytest.raises(ValueError, match="and there may be 5,000"):
        await _ask(workshop, kind, since=0, until=_START, interval="hour")


async def test_tests_that_fail_now_and_then_are_found_among_those_that_steps_stored(
    workshop: Workshop,
) -> None:
    outcomes = [[], ["a"], [], ["a", "b"], ["b"], [], [f"t{number}" for number in range(201)]]
    for number, failed in enumerate(outcomes):
        result = Result.FAILURE if failed else Result.SUCCESS
        await _built(
            workshop,
            result,
            at=100 * number,
            failed_step="test" if failed else "",
            failed_tests=failed,
            category="fail_only" if number == 4 else "pass_fail",
        )
        if number == 3:  # What was read is not read again.
            await _ask(workshop, "test", since=_START, until=_START + DAY)
    span = {"since": _START, "until": _START + DAY}

    rows = await _ask(workshop, "test", **span)

    assert [(row["name"], row["builds"], row["failures"], row["flips"]) for row in rows] == [
        ("a", 5, 2, 4),
        ("b", 5, 2, 2),
    ]
    assert rows[0]["builder"] == "b1"
    assert await _ask(workshop, "test", **span, sees=Visibility(builders=only("b2"))) == []
