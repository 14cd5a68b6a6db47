"""Changes become buildsets, requests are claimed, builds end: on every kind of database."""

from __future__ import annotations

import asyncio

import pytest
from store_workshop import Workshop

from chargehand.domain.assignment import AlreadyClaimed
from chargehand.domain.build import StepUrl
from chargehand.domain.change import NewChange
from chargehand.domain.identifiers import BuildId, RequestId
from chargehand.domain.result import Result
from chargehand.domain.source_stamp import Patch, SourceStamp
from chargehand.events.messages import (
    BuildsetCompleted,
    ChangeAdded,
    RequestCompleted,
    RequestUnclaimed,
)


async def test_equal_source_stamps_are_stored_once(workshop: Workshop) -> None:
    stamp = SourceStamp(branch="main", revision="1", repository="r", codebase="c")

    one = await workshop.submit(stamps=[stamp])
    two = await workshop.submit(stamps=[stamp])

    assert one.requests[0].source_stamp_ids == two.requests[0].source_stamp_ids
    assert len(await workshop.rows("sourcestamps")) == 1


async def test_a_patch_is_part_of_what_makes_source_stamps_equal(workshop: Workshop) -> None:
    patched = SourceStamp(branch="main", patch=Patch(level=1, body=b"\0diff\xff", author="me"))

    submitted = await workshop.submit(stamps=[patched])
    again = await workshop.submit(stamps=[patched])
    bare = await workshop.submit()

    assert submitted.requests[0].has_patch
    assert again.requests[0].source_stamp_ids == submitted.requests[0].source_stamp_ids
    assert bare.requests[0].source_stamp_ids != submitted.requests[0].source_stamp_ids
    stored = (await workshop.started(again.requests[0].request.id)).sources
    assert stored.stamps[0].stamp.patch is not None
    assert stored.stamps[0].stamp.patch.body == b"\0diff\xff"


async def test_a_change_knows_the_one_before_it_on_its_branch(workshop: Workshop) -> None:
    new = [
        NewChange(author="a", revision="1", branch="main"),
        NewChange(author="b", revision="2", branch="other"),
        NewChange(author="c", revision="3", branch="main", files=("x", "ü")),
    ]
    added = await workshop.store.changes.add(new)
    later = await workshop.store.changes.add([NewChange(author="d", branch="main", when=5.0)])

    assert [change.parent_ids for change in added] == [(), (), (added[0].id,)]
    assert later[0].parent_ids == (added[2].id,)
    assert later[0].when == 5.0
    assert added[0].when == workshop.clock.seconds
    assert [event.change for event in workshop.heard(ChangeAdded)] == [*added, *later]
    assert await workshop.store.changes.changes_after(added[1].id) == [added[2], *later]
    assert await workshop.store.changes.newest_change_id() == later[0].id


async def test_changes_without_a_branch_have_parents_too(workshop: Workshop) -> None:
    first, second = await workshop.store.changes.add(
        [NewChange(author="a"), NewChange(author="b", revision="2")]
    )

    assert second.parent_ids == (first.id,)


async def test_text_that_databases_refuse_is_cleaned(workshop: Workshop) -> None:
    change = NewChange(author="nul \0", comments="lone \udcff", properties={"p": ("\udc80\0", "s")})

    await workshop.store.changes.add([change])

    (row,) = await workshop.rows("changes")
    assert row["author"] == "nul \ufffd"
    assert row["comments"] == "lone ?"


async def test_submitting_announces_the_buildset_and_then_its_requests(workshop: Workshop) -> None:
    submitted = await workshop.submit(
        "b1",
        "b2",
        properties={"a": (1, "s")},
        builder_properties={workshop.builder_ids["b2"]: {"a": ([2], "own")}},
        priority=7,
    )

    assert workshop.names() == ["BuildsetSubmitted", "RequestSubmitted", "RequestSubmitted"]
    assert [one.properties for one in submitted.requests] == [{"a": (1, "s")}, {"a": ([2], "own")}]
    waiting = await workshop.store.requests.pending(list(workshop.builder_ids.values()))
    assert tuple(waiting) == submitted.requests


async def test_a_request_for_a_change_says_so(workshop: Workshop) -> None:
    (change,) = await workshop.store.changes.add([NewChange(author="a", revision="1")])

    submitted = await workshop.submit(stamps=[change.source_stamp_id])

    assert submitted.requests[0].with_changes == (change.source_stamp_id,)
    sources = (await workshop.started(submitted.requests[0].request.id)).sources
    assert sources.changes == (change,)


async def test_a_buildset_without_builders_is_complete_at_once(workshop: Workshop) -> None:
    workshop.builder_ids["none"] = workshop.builder_ids["b1"]
    from chargehand.domain.buildset import NewBuildset

    await workshop.store.buildsets.submit(
        NewBuildset(builder_ids=(), source_stamps=(SourceStamp(),), reason="nothing", scheduler="s")
    )

    (completed,) = workshop.heard(BuildsetCompleted)
    assert completed.buildset.result is Result.SUCCESS


async def test_an_unknown_source_stamp_is_refused_and_nothing_is_stored(workshop: Workshop) -> None:
    with pytest.raises(LookupError, match="77"):
        await workshop.submit(stamps=[77])

    assert await workshop.rows("buildsets") == []
    assert workshop.names() == []


async def test_a_request_is_claimed_once_and_claims_are_all_or_nothing(workshop: Workshop) -> None:
    one = (await workshop.submit()).requests[0].request.id
    two = (await workshop.submit()).requests[0].request.id
    await workshop.start(one)
    workshop.heard()

    with pytest.raises(AlreadyClaimed):
        await workshop.start(two, one)

    assert workshop.names() == []
    assert len(await workshop.rows("builds")) == 1

    pending = await workshop.store.requests.pending([workshop.builder_ids["b1"]])
    assert [waiting.request.id for waiting in pending] == [two]


async def test_of_many_who_claim_at_once_one_succeeds(workshop: Workshop) -> None:
    request_id = (await workshop.submit()).requests[0].request.id
    workshop.heard()

    outcomes = await asyncio.gather(
        *(workshop.start(request_id) for _ in range(10)),
        return_exceptions=True,
    )

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["AlreadyClaimed"] * 9 + [
        "Build"
    ]
    assert workshop.names() == ["RequestClaimed", "BuildStarted"]


async def test_a_cancelled_request_completes_its_buildset(workshop: Workshop) -> None:
    request_id = (await workshop.submit()).requests[0].request.id
    workshop.heard()

    assert await workshop.store.requests.cancel(request_id, "not wanted")

    assert workshop.names() == ["RequestCancelled", "RequestCompleted", "BuildsetCompleted"]
    assert not await workshop.store.requests.cancel(request_id, "again")
    (row,) = await workshop.rows("buildrequests")
    assert (row["complete"], row["claimed"], row["results"]) == (True, True, 6)


async def test_a_claimed_request_cannot_be_cancelled(workshop: Workshop) -> None:
    request_id = (await workshop.submit()).requests[0].request.id
    await workshop.start(request_id)

    assert not await workshop.store.requests.cancel(request_id, "too late")


@pytest.mark.parametrize(
    ("results", "of_buildset"),
    [
        ((Result.SUCCESS, Result.WARNINGS), Result.WARNINGS),
        ((Result.FAILURE, Result.SUCCESS), Result.FAILURE),
        ((Result.SKIPPED, Result.SKIPPED), Result.SUCCESS),
        ((Result.CANCELLED, Result.EXCEPTION), Result.CANCELLED),
    ],
)
async def test_the_last_request_completes_the_buildset_with_the_worst_result(
    workshop: Workshop, results: tuple[Result, Result], of_buildset: Result
) -> None:
    submitted = await workshop.submit("b1", "b2")
    one, two = (pending.request.id for pending in submitted.requests)

    await workshop.store.requests.complete([one], results[0])
    assert workshop.heard(BuildsetCompleted) == []
    await workshop.store.requests.complete([two], results[1])

    (completed,) = workshop.heard(BuildsetCompleted)
    assert completed.buildset.result is of_buildset
    assert completed.buildset.source_stamps == submitted.buildset.source_stamps


async def test_numbers_of_builds_count_for_each_builder(workshop: Workshop) -> None:
    builds = [await workshop.build("b1"), await workshop.build("b2"), await workshop.build("b1")]

    assert [build.number for build in builds] == [1, 1, 2]


async def test_the_end_of_each_buildset_tells_what_it_was_of(workshop: Workshop) -> None:
    one, other = [
        await workshop.submit(stamps=[SourceStamp(branch=branch)]) for branch in ("main", "next")
    ]
    ids = [submitted.requests[0].request.id for submitted in (one, other)]
    build = await workshop.start(*ids)
    workshop.heard()

    await workshop.store.builds.finish_build(build, Result.SUCCESS, "done", ids)

    told = [event.buildset for event in workshop.heard(BuildsetCompleted)]
    assert {one.id: one.source_stamps[0].stamp.branch for one in told} == {
        one.buildset.id: "main",
        other.buildset.id: "next",
    }


async def test_a_finished_build_completes_its_requests(workshop: Workshop) -> None:
    one = (await workshop.submit()).requests[0].request.id
    two = (await workshop.submit()).requests[0].request.id
    build = await workshop.start(one, two)
    workshop.heard()

    finished = await workshop.store.builds.finish_build(build, Result.FAILURE, "failed", [one, two])

    assert (finished.complete, finished.result) == (True, Result.FAILURE)
    assert workshop.names() == [
        "BuildFinished",
        *["RequestCompleted"] * 2,
        *["BuildsetCompleted"] * 2,
    ]


async def test_a_build_to_be_retried_gives_its_request_back(workshop: Workshop) -> None:
    submitted = await workshop.submit(properties={"a": (1, "s")})
    request_id = submitted.requests[0].request.id
    build = await workshop.start(request_id)
    workshop.heard()

    await workshop.store.builds.finish_build(build, Result.RETRY, "lost", [request_id])

    (back,) = workshop.heard(RequestUnclaimed)
    assert back.pending == submitted.requests[0]
    assert await workshop.store.requests.pending([workshop.builder_ids["b1"]]) == [back.pending]


async def test_priorities_are_kept(workshop: Workshop) -> None:
    request_id = (await workshop.submit()).requests[0].request.id

    await workshop.store.requests.set_priority(request_id, 50)

    (pending,) = await workshop.store.requests.pending([workshop.builder_ids["b1"]])
    assert pending.request.priority == 50
    with pytest.raises(LookupError):
        await workshop.store.requests.set_priority(RequestId(999), 1)


async def test_a_rebuild_has_the_same_sources_and_properties(workshop: Workshop) -> None:
    submitted = await workshop.submit(
        stamps=[SourceStamp(codebase="a"), SourceStamp(codebase="b", revision="2")],
        properties={"p": ("v", "Force")},
    )
    started = await workshop.started(submitted.requests[0].request.id)
    build, sources = started.build, started.sources

    new = await workshop.store.buildsets.rebuild_of(build.id)
    again = await workshop.store.buildsets.submit(new)

    assert again.buildset.source_stamps == sources.stamps == submitted.buildset.source_stamps
    assert again.requests[0].properties == {"p": ("v", "Force")}
    assert again.buildset.rebuilt_build_id == build.id
    with pytest.raises(LookupError):
        await workshop.store.buildsets.rebuild_of(BuildId(999))


async def test_properties_of_a_build_are_set_and_set_again(workshop: Workshop) -> None:
    build = await workshop.build()

    workshop.store.builds.set_build_properties(build.id, {"a": (1, "x"), "b": (None, "x")})
    workshop.store.builds.set_build_properties(build.id, {"a": ({"k": [2]}, "y")})

    (row,) = await workshop.rows("properties", scope={"buildid": build.id})
    assert row == {"a": [{"k": [2]}, "y"], "b": [None, "x"]}
    with pytest.raises(TypeError):
        workshop.store.builds.set_build_properties(build.id, {"c": (object(), "x")})


async def test_a_build_tells_of_its_state_and_waiting(workshop: Workshop) -> None:
    build = await workshop.build()

    build = workshop.store.builds.set_build_state(build, "building")
    build = workshop.store.builds.add_locks_duration(build, 1.5)
    build = workshop.store.builds.add_locks_duration(build, 1.0)

    (row,) = await workshop.rows("builds")
    assert (row["state_string"], row["locks_duration_s"]) == ("building", 2)


async def test_steps_are_numbered_and_named_uniquely(workshop: Workshop) -> None:
    build = await workshop.build()
    workshop.heard()

    steps = [await workshop.step(build, name) for name in ("a", "a", "b", "a")]

    assert [step.number for step in steps] == [0, 1, 2, 3]
    assert [step.name for step in steps] == ["a", "a_1", "b", "a_2"]
    assert workshop.names() == ["StepAdded", "StepStarted"] * 4


async def test_a_step_is_recorded_from_its_beginning_to_its_end(workshop: Workshop) -> None:
    store = workshop.store.steps
    build = await workshop.build()
    step = (await store.add_step(build.id, "make", "pending")).step

    workshop.clock.seconds += 10
    step = store.start_step(step, locks_acquired=False)
    workshop.clock.seconds += 10
    step = store.step_got_locks(step)
    step = store.set_step_state(step, "making")
    step = store.add_step_url(step, StepUrl("one", "http://1"))
    step = store.add_step_url(step, StepUrl("two", "http://2"))
    step = store.finish_step(step, Result.WARNINGS, "made", True)

    (row,) = await workshop.rows("steps")
    assert row == {
        "stepid": step.id,
        "number": 0,
        "name": "make",
        "buildid": build.id,
        "started_at": 1_700_000_010,
        "locks_acquired_at": 1_700_000_020,
        "complete": True,
        "complete_at": 1_700_000_020,
        "results": 1,
        "state_string": "made",
        "urls": [{"name": "one", "url": "http://1"}, {"name": "two", "url": "http://2"}],
        "hidden": True,
    }


async def test_a_buildset_of_a_thousand_requests_is_stored_in_order(workshop: Workshop) -> None:
    submitted = await workshop.submit(*["b1", "b2"] * 500)

    assert [one.request.id for one in submitted.requests] == sorted(
        one.request.id for one in submitted.requests
    )
    stored = await workshop.store.requests.pending(list(workshop.builder_ids.values()))
    assert tuple(stored) == submitted.requests
    await workshop.store.requests.complete([one.request.id for one in stored], Result.CANCELLED)
    events = workshop.heard(RequestCompleted, BuildsetCompleted)
    assert len(events) == 1001
