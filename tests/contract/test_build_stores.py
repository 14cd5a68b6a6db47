"""What running builds needs of stores: the fakes and the real ones keep the same promises."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest
from store_workshop import Workshop, segment

from chargehand.domain.assignment import AlreadyClaimed
from chargehand.domain.build import Build, Log, LogType, Step, StepUrl
from chargehand.domain.builder import VirtualBuilder
from chargehand.domain.identifiers import BuilderId, MasterId, RequestId, WorkerId
from chargehand.domain.result import Result
from chargehand.execution.ports import BuildStore, LogStore, StepStore
from chargehand.store.names import numbered
from chargehand.testing.execution import MemoryBuildStore, MemoryStepStore
from chargehand.testing.memory_logs import MemoryLogStore


@dataclass(kw_only=True)
class Given:
    builds: BuildStore
    steps: StepStore
    logs: LogStore
    submit: Callable[[], Awaitable[RequestId]]
    start: Callable[..., Awaitable[Build]]

    async def build(self) -> Build:
        return await self.start(await self.submit())

    async def step(self, build: Build, name: str = "shell", **more: Any) -> Step:
        added = await self.steps.add_step(build.id, name, "pending", **more)
        return added.step

    async def log(self, step: Step, name: str = "stdio", slug: str = "stdio") -> Log:
        return await self.logs.open(step.id, name, slug, LogType.STDIO)


def in_memory() -> Given:
    builds, logs, numbers = MemoryBuildStore(), MemoryLogStore(), count(1)

    async def submit() -> RequestId:
        return RequestId(next(numbers))

    async def start(
        *request_ids: RequestId, builder: int = 1, virtual: VirtualBuilder | None = None
    ) -> Build:
        started = await builds.start_build(
            request_ids, BuilderId(builder), WorkerId(1), MasterId(1), virtual
        )
        return started.build

    return Given(
        builds=builds,
        steps=MemoryStepStore(logs),
        logs=logs,
        submit=submit,
        start=start,
    )


def in_database(workshop: Workshop) -> Given:
    async def submit() -> RequestId:
        return (await workshop.submit()).requests[0].request.id

    async def start(
        *request_ids: RequestId, builder: int = 1, virtual: VirtualBuilder | None = None
    ) -> Build:
        return await workshop.start(*request_ids, builder=f"b{builder}", virtual=virtual)

    store = workshop.store
    return Given(
        builds=store.builds, steps=store.steps, logs=store.logs, submit=submit, start=start
    )


@pytest.fixture
def given(real: Workshop | None) -> Given:
    return in_memory() if real is None else in_database(real)


async def test_builds_are_numbered_for_each_builder(given: Given) -> None:
    one = await given.start(await given.submit())
    other = await given.start(await given.submit(), builder=2)
    two = await given.start(await given.submit())

    assert [build.number for build in (one, other, two)] == [1, 1, 2]
    assert one.builder_id == two.builder_id != other.builder_id
    assert not one.complete


async def test_builds_of_a_virtual_builder_have_numbers_of_their_own(given: Given) -> None:
    virtual = VirtualBuilder(name="zlib", tags=("_virtual_",))
    real = await given.build()
    first = await given.start(await given.submit(), virtual=virtual)
    second = await given.start(await given.submit(), virtual=virtual)
    again = await given.build()

    assert [real.number, first.number, second.number, again.number] == [1, 1, 2, 2]
    assert first.builder_id == second.builder_id != real.builder_id


async def test_requests_are_claimed_with_the_build_all_or_none(given: Given) -> None:
    first, second = await given.submit(), await given.submit()
    build = await given.start(first)

    with pytest.raises(AlreadyClaimed):
        await given.start(second, first)

    again = await given.start(second)
    assert (again.number, again.request_id) == (build.number + 1, second)


async def test_a_build_is_recorded_to_its_end(given: Given) -> None:
    request_id = await given.submit()
    build = await given.start(request_id)

    build = given.builds.set_build_state(build, "building")
    build = given.builds.add_locks_duration(build, 1.5)
    build = given.builds.add_locks_duration(build, 2.0)
    assert (build.state, build.locks_duration) == ("building", 3.5)
    ended = await given.builds.finish_build(build, Result.WARNINGS, "so so", [request_id])

    assert (ended.id, ended.complete, ended.result) == (build.id, True, Result.WARNINGS)
    assert (ended.state, ended.complete_at is None) == ("so so", False)
    with pytest.raises(AlreadyClaimed):
        await given.start(request_id)


async def test_a_build_to_be_retried_gives_its_requests_back(given: Given) -> None:
    requests = [await given.submit(), await given.submit()]
    build = await given.start(*requests)

    await given.builds.finish_build(build, Result.RETRY, "lost", requests)

    again = await given.start(*requests)
    assert (again.number, again.request_id) == (build.number + 1, requests[0])


async def test_steps_are_numbered_and_their_names_are_unique_in_their_build(given: Given) -> None:
    build, other = await given.build(), await given.build()

    steps = [await given.step(build, name) for name in ("a", "a", "b", "a")]
    of_other = await given.step(other, "a")

    assert [step.number for step in steps] == [0, 1, 2, 3]
    assert [step.name for step in steps] == ["a", "a_1", "b", "a_2"]
    assert (of_other.number, of_other.name) == (0, "a")


async def test_a_step_gets_the_first_number_that_is_free(given: Given) -> None:
    build, other = await given.build(), await given.build()
    long = "x" * 50
    wanted = ["a", "a", "a_2", "a", "a", "a_1", "a_1", "a", long, long, "x" * 48 + "_2", long, long]
    found: list[str] = []

    for name in wanted:
        found.append((await given.step(build, name)).name)
        await given.step(other, "a")

    taken: set[str] = set()
    for name in wanted:
        taken.add(numbered(name, taken))
    assert set(found) == taken
    assert found[:8] == ["a", "a_1", "a_2", "a_3", "a_4", "a_1_1", "a_1_2", "a_5"]
    assert (await given.step(other, "a")).name == f"a_{len(wanted)}"


async def test_a_step_begins_waits_for_locks_and_ends(given: Given) -> None:
    step = await given.step(await given.build())
    assert (step.started_at, step.complete) == (None, False)

    step = given.steps.start_step(step, locks_acquired=False)
    assert (step.started_at is None, step.locks_acquired_at) == (False, None)
    step = given.steps.step_got_locks(step)
    step = given.steps.set_step_state(step, "making")
    step = given.steps.add_step_url(step, StepUrl("one", "http://1"))
    step = given.steps.add_step_url(step, StepUrl("two", "http://2"))
    step = given.steps.add_step_url(step, StepUrl("uno", "http://1"), replaces="one")
    step = given.steps.finish_step(step, Result.SUCCESS, "made", True)

    assert step.locks_acquired_at is not None
    assert [url.name for url in step.urls] == ["uno", "two"]
    assert (step.complete, step.result, step.state) == (True, Result.SUCCESS, "made")
    assert step.hidden


async def test_a_step_may_begin_as_it_is_added(given: Given) -> None:
    step = await given.step(await given.build(), started=True)

    assert step.started_at is not None
    assert step.locks_acquired_at == step.started_at


async def test_slugs_of_logs_are_unique_in_their_step(given: Given) -> None:
    build = await given.build()
    step, other = await given.step(build), await given.step(build)

    logs = [await given.log(step, name, "a_b") for name in ("a b", "a_b", "a/b")]
    of_other = await given.log(other, "a b", "a_b")

    assert [log.slug for log in logs] == ["a_b", "a_b_2", "a_b_3"]
    assert [log.name for log in logs] == ["a b", "a_b", "a/b"]
    assert of_other.slug == "a_b"


async def test_a_log_is_read_by_lines_and_counts_them(given: Given) -> None:
    log = await given.log(await given.step(await given.build()))

    await given.logs.append(log.id, segment(b"oone\notwo\n"))
    await given.logs.append(log.id, segment(b"ethree\n"))
    ended = await given.logs.finish(log.id)

    assert (ended.complete, ended.line_count) == (True, 3)
    assert await given.logs.read_lines(log.id, 0, None) == b"oone\notwo\nethree\n"
    assert await given.logs.read_lines(log.id, 1, 1) == b"otwo\n"
    assert await given.logs.read_lines(log.id, 2, 10) == b"ethree\n"
    assert await given.logs.read_lines(log.id, 3, None) == b""
