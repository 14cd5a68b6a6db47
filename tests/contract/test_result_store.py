"""What plug-ins write about builds: test results, properties, and the end of requests."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace
from store_workshop import Workshop

from chargehand.domain.build import Step
from chargehand.domain.identifiers import BuildId, RequestId, TestResultSetId
from chargehand.domain.result import Result
from chargehand.domain.result_set import ResultOfTest, ResultSet
from chargehand.events.messages import (
    BuildPropertiesUpdated,
    BuildsetCompleted,
    RequestCompleted,
    ResultSetAdded,
    ResultSetCompleted,
)
from chargehand.resources.query import Query
from chargehand.resources.visibility import EVERYTHING


async def _rows(workshop: Workshop, kind: str, **scope: int) -> list[dict[str, Any]]:
    query = Query(kind=kind, sees=EVERYTHING, scope=scope)
    return (await workshop.store.resources.fetch(query)).rows


def _set(step: Step, builder_id: Any) -> ResultSet:
    return ResultSet(
        id=TestResultSetId(0),
        builder_id=builder_id,
        build_id=step.build_id,
        step_id=step.id,
        description="all of them",
        category="pass_fail",
        value_unit="boolean",
    )


async def test_results_of_tests_are_stored_in_sets(workshop: Workshop) -> None:
    build = await workshop.build()
    step = await workshop.step(build)
    results = workshop.store.test_results
    workshop.heard()

    added = await results.add_set(_set(step, build.builder_id))
    given = [
        ResultOfTest(value="1", test_name="a", duration_ns=2**40),
        ResultOfTest(value="0", test_code_path="a.py", line=3),
    ]
    await results.add(added.id, given)
    await results.add(added.id, [])
    await results.complete(added.id, passed=1, failed=1)

    (row,) = await _rows(workshop, "test_result_sets", stepid=step.id)
    assert row == {
        "test_result_setid": added.id,
        "builderid": build.builder_id,
        "buildid": build.id,
        "stepid": step.id,
        "description": "all of them",
        "category": "pass_fail",
        "value_unit": "boolean",
        "tests_passed": 1,
        "tests_failed": 1,
        "complete": True,
    }
    rows = await _rows(workshop, "test_results", test_result_setid=added.id)
    shown = [(one["value"], one["test_name"], one["line"], one["duration_ns"]) for one in rows]
    assert shown == [("1", "a", None, 2**40), ("0", None, 3, None)]
    begun, ended = workshop.heard(ResultSetAdded, ResultSetCompleted)
    assert not begun.result_set.complete
    assert ended.result_set.tests_failed == 1


async def test_results_need_a_step_and_an_open_set(workshop: Workshop) -> None:
    build = await workshop.build()
    step = await workshop.step(build)
    other = await workshop.build()
    results = workshop.store.test_results
    wrong = _set(step, build.builder_id)

    with pytest.raises(LookupError, match=f"build {other.id} has no step {step.id}"):
        await results.add_set(replace(wrong, build_id=other.id))
    with pytest.raises(LookupError, match="there is no set 99"):
        await results.add(TestResultSetId(99), [ResultOfTest(value="1", test_name="a")])
    with pytest.raises(LookupError, match="there is no set 99"):
        await results.complete(TestResultSetId(99))
    added = await results.add_set(wrong)
    await results.complete(added.id)
    with pytest.raises(LookupError, match="is complete"):
        await results.complete(added.id, 1, 0)


async def test_properties_of_a_build_that_has_ended_can_be_amended(workshop: Workshop) -> None:
    build = await workshop.build()
    builds = workshop.store.builds
    builds.set_build_properties(build.id, {"x": (1, "step")})
    await builds.amend_properties(build.id, {"x": (2, "me"), "y": ([1], "me")})
    await builds.finish_build(build, Result.SUCCESS, "done", [build.request_id])
    workshop.heard()

    await builds.amend_properties(build.id, {"z": ("late", "me")})

    (row,) = await _rows(workshop, "properties", buildid=build.id)
    assert row == {"x": [2, "me"], "y": [[1], "me"], "z": ["late", "me"]}
    (event,) = workshop.heard(BuildPropertiesUpdated)
    assert dict(event.properties) == {"z": ("late", "me")}
    with pytest.raises(LookupError, match="there is no build 99"):
        await builds.amend_properties(BuildId(99), {"z": (1, "me")})
    with pytest.raises(TypeError):
        await builds.amend_properties(build.id, {"z": (object(), "me")})


async def test_waiting_requests_end_with_a_reason_and_others_are_left_alone(
    workshop: Workshop,
) -> None:
    first, second = [(await workshop.submit()).requests[0].request for _ in range(2)]
    running = await workshop.build()
    workshop.heard()
    requests = workshop.store.requests

    ids = [first.id, second.id, running.request_id, RequestId(99)]
    assert await requests.end(ids, Result.SKIPPED, "not wanted") == 2

    events = workshop.heard()
    ended = [event.request for event in events if isinstance(event, RequestCompleted)]
    assert {one.id: one.end_reason for one in ended} == dict.fromkeys(ids[:2], "not wanted")
    assert len([event for event in events if isinstance(event, BuildsetCompleted)]) == 2
    assert await requests.end(ids, Result.FAILURE, "too late") == 0
    rows = {row["buildrequestid"]: row for row in await _rows(workshop, "buildrequests")}
    assert [rows[one]["results"] for one in ids[:2]] == [Result.SKIPPED] * 2
    assert not rows[running.request_id]["complete"]
    assert rows[running.request_id]["end_reason"] is None
