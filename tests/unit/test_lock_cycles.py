"""Builds and their steps never wait for each other's locks for ever, and everybody is served."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st
from waiting import PATIENCE

from chargehand.dispatch.locks import LockTable
from chargehand.domain.identifiers import BuildId, RequestId, StepId
from chargehand.domain.lock import (
    LockAccess,
    LockCycle,
    LockHolder,
    LockMode,
    LockScope,
    LockSpec,
    LockTooSmall,
)
from chargehand.domain.waiting import LockHeld

A, B, C = (LockSpec(name=name, scope=LockScope.MASTER) for name in "ABC")
TWO = LockSpec(name="two", scope=LockScope.MASTER, max_count=2)
EACH = LockSpec(name="each", scope=LockScope.WORKER, max_count=1, max_count_for_worker={"big": 3})
_WORKERS = ("small", "big")


def alone(lock: LockSpec) -> LockAccess:
    return LockAccess(lock=lock, mode=LockMode.EXCLUSIVE)


def some(lock: LockSpec, count: int = 1) -> LockAccess:
    return LockAccess(lock=lock, mode=LockMode.COUNTING, count=count)


def build(number: int, step: str | None = None) -> LockHolder:
    return LockHolder(
        builder_name=f"b{number}",
        build_id=BuildId(number),
        build_number=1,
        request_id=RequestId(number),
        step_id=StepId(number * 10) if step else None,
        step_name=step,
    )


def unheard(held: LockHeld) -> None:
    """Take no note of what is waited for."""


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_build_with_locks_does_not_queue_behind_who_waits_for_these() -> None:
    table = LockTable()
    table.try_acquire([alone(A)], "w", build(1))
    table.wait_in_line([alone(A), alone(B)], "w", LockHolder(builder_name="both"), lambda: None)

    grant = await asyncio.wait_for(table.acquire([alone(B)], "w", build(1, "s"), unheard), PATIENCE)

    assert table.why([alone(B)], "w") == LockHeld(lock="B", holders=(build(1, "s"),))
    grant.release()


async def test_a_build_with_other_locks_queues_like_everybody() -> None:
    table = LockTable()
    first = table.try_acquire([alone(A)], "w", build(1))
    assert first is not None
    table.try_acquire([alone(C)], "w", build(2))
    woken = []
    place = table.wait_in_line([alone(A), alone(B)], "w", build(3), lambda: woken.append(1))

    step = asyncio.ensure_future(table.acquire([alone(B)], "w", build(2, "s"), unheard))
    await settle()

    assert not step.done()
    first.release()
    assert woken
    place.leave()
    (await asyncio.wait_for(step, PATIENCE)).release()


async def test_a_step_passes_as_soon_as_somebody_before_it_waits_for_its_build() -> None:
    """1 holds A, 2 holds C; W wants A and B; 2 waits for B, behind W; then 1 waits for C."""
    table = LockTable()
    table.try_acquire([alone(A)], "w", build(1))
    two = table.try_acquire([alone(C)], "w", build(2))
    table.wait_in_line([alone(A), alone(B)], "w", LockHolder(builder_name="W"), lambda: None)
    second = asyncio.ensure_future(table.acquire([alone(B)], "w", build(2, "s"), unheard))
    await settle()
    assert not second.done()

    first = asyncio.ensure_future(table.acquire([alone(C)], "w", build(1, "s"), unheard))

    (await asyncio.wait_for(second, PATIENCE)).release()
    assert two is not None
    two.release()
    (await asyncio.wait_for(first, PATIENCE)).release()


async def test_of_a_cycle_the_youngest_request_gives_way_and_is_told_why() -> None:
    table = LockTable()
    old = table.try_acquire([alone(A)], "w", build(1))
    young = table.try_acquire([alone(B)], "w", build(2))
    assert old is not None
    assert young is not None
    gives_way = asyncio.ensure_future(table.acquire([alone(A)], "w", build(2, "x"), unheard))
    await settle()

    stays = asyncio.ensure_future(table.acquire([alone(B)], "w", build(1, "y"), unheard))
    await settle()

    error = gives_way.exception()
    assert isinstance(error, LockCycle)
    assert str(error) == (
        "deadlock: b2 #1 waits for lock A, which b1 #1 holds; "
        "b1 #1 waits for lock B, which b2 #1 holds"
    )
    assert error.reason == "deadlock over locks A and B; giving way to an older request"
    assert not stays.done()
    young.release()
    (await asyncio.wait_for(stays, PATIENCE)).release()


async def test_one_of_two_holders_of_a_counting_lock_may_suffice() -> None:
    table = LockTable()
    table.try_acquire([some(TWO)], "w", build(1))
    runs = table.try_acquire([some(TWO)], "w", build(2))
    table.try_acquire([alone(A)], "w", build(3))
    waits = asyncio.ensure_future(table.acquire([some(TWO)], "w", build(3, "x"), unheard))
    await settle()

    other = asyncio.ensure_future(table.acquire([alone(A)], "w", build(1, "y"), unheard))
    await settle()

    assert not waits.done()
    assert not other.done()
    assert runs is not None
    runs.release()
    (await asyncio.wait_for(waits, PATIENCE)).release()
    other.cancel()


async def test_more_than_a_lock_allows_is_refused_at_once() -> None:
    table = LockTable()
    try:
        await asyncio.wait_for(table.acquire([some(EACH, 2)], "small", build(1), unheard), PATIENCE)
    except LockTooSmall as error:
        assert str(error) == "needs 2 of lock each, which allows 1"
    else:
        raise AssertionError("it was granted")
    (
        await asyncio.wait_for(table.acquire([some(EACH, 2)], "big", build(1), unheard), PATIENCE)
    ).release()


def test_of_two_accesses_to_one_lock_the_one_that_wants_more_counts() -> None:
    for both in ([alone(TWO), some(TWO)], [some(TWO), alone(TWO)]):
        table = LockTable()
        assert table.try_acquire(both, "w", build(1)) is not None
        assert table.try_acquire([some(TWO)], "w", build(2)) is None


_accesses = st.sets(st.integers(0, 9), max_size=3).map(
    lambda numbers: list(
        {
            access.lock.name: access
            for number in sorted(numbers)
            for access in [
                (alone(A), alone(B), alone(C), some(TWO), some(TWO, 2))[number // 2]
                if number < 8
                else some(EACH)
            ]
        }.values()
    )
)


@dataclass
class Job:
    """A request: its builder's locks, its steps' locks, its worker, and when it comes."""

    locks: list[LockAccess]
    steps: list[list[LockAccess]]
    worker: str
    pause: int
    request: int = 0
    gave_way: int = 0


_jobs = st.lists(
    st.builds(
        Job,
        locks=_accesses,
        steps=st.lists(_accesses, max_size=3),
        worker=st.sampled_from(_WORKERS),
        pause=st.integers(0, 3),
    ),
    max_size=12,
)


@dataclass
class Farm:
    """Builds jobs on a lock table as dispatcher and builds do, and looks at what is held."""

    table: LockTable = field(default_factory=LockTable)
    builds: int = 0
    inside: dict[tuple[str, str], list[tuple[int, LockAccess]]] = field(default_factory=dict)

    async def serve(self, job: Job) -> None:
        await pause(job.pause)
        while not await self._build(job):
            job.gave_way += 1

    async def _build(self, job: Job) -> bool:
        waits = LockHolder(builder_name=f"r{job.request}")
        grant = await self.table.acquire(job.locks, job.worker, waits, unheard)
        self.builds += 1
        number = self.builds
        holder = LockHolder(
            builder_name=waits.builder_name,
            build_id=BuildId(number),
            build_number=number,
            request_id=RequestId(job.request),
        )
        grant.name(holder)
        self._enter(number, job.locks, job.worker)
        held = {access.lock.name for access in job.locks}
        try:
            for index, step in enumerate(job.steps):
                wants = [access for access in step if access.lock.name not in held]
                step_holder = LockHolder(
                    builder_name=waits.builder_name,
                    build_id=BuildId(number),
                    build_number=number,
                    request_id=RequestId(job.request),
                    step_id=StepId(index + 1),
                )
                try:
                    inner = await self.table.acquire(wants, job.worker, step_holder, unheard)
                except LockCycle:
                    return False
                self._enter(number, wants, job.worker)
                await pause(index)
                self._leave(number, wants, job.worker)
                inner.release()
            return True
        finally:
            self._leave(number, job.locks, job.worker)
            grant.release()

    def _enter(self, number: int, accesses: list[LockAccess], worker: str) -> None:
        for access in accesses:
            where = worker if access.lock.scope is LockScope.WORKER else ""
            users = self.inside.setdefault((access.lock.name, where), [])
            users.append((number, access))
            assert len(users) == 1 or all(u.mode is LockMode.COUNTING for _, u in users)
            taken = sum(one.count for _, one in users if one.mode is LockMode.COUNTING)
            assert taken <= access.lock.count_for(where)

    def _leave(self, number: int, accesses: list[LockAccess], worker: str) -> None:
        for access in accesses:
            where = worker if access.lock.scope is LockScope.WORKER else ""
            self.inside[access.lock.name, where].remove((number, access))


async def pause(turns: int) -> None:
    for _ in range(turns):
        await asyncio.sleep(0)


@settings(max_examples=60, deadline=None)
@given(_jobs)
def test_whatever_builders_and_steps_lock_all_are_built_and_no_limit_is_passed(
    jobs: list[Job],
) -> None:
    async def run() -> Farm:
        farm = Farm()
        for number, job in enumerate(jobs, 1):
            job.request = number
            job.gave_way = 0
        # So much as anybody can do, each waiting for one turn of the loop: who is not done then
        # never will be.
        tasks = [asyncio.ensure_future(farm.serve(job)) for job in jobs]
        for _ in range(20_000):
            if all(task.done() for task in tasks):
                break
            await asyncio.sleep(0)
        waiting = [job for task, job in zip(tasks, jobs, strict=True) if not task.done()]
        assert not waiting
        await asyncio.gather(*tasks)
        return farm

    farm = asyncio.run(run())

    assert not any(farm.inside.values())
    assert not jobs or jobs[0].gave_way == 0, "the oldest request never gives way"
