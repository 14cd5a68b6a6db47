"""Locks are granted together, in fair order, and never beyond their count."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st
from waiting import PATIENCE

from chargehand.dispatch.locks import Grant, LockTable
from chargehand.domain.identifiers import BuildId, StepId
from chargehand.domain.lock import LockAccess, LockHolder, LockMode, LockScope, LockSpec
from chargehand.domain.waiting import LockHeld

DISK = LockSpec(name="disk", scope=LockScope.MASTER, max_count=2)
NETWORK = LockSpec(name="network", scope=LockScope.MASTER)
TOOLS = LockSpec(name="tools", scope=LockScope.WORKER, max_count=1, max_count_for_worker={"big": 3})


def counting(lock: LockSpec, count: int = 1) -> LockAccess:
    return LockAccess(lock=lock, mode=LockMode.COUNTING, count=count)


def exclusive(lock: LockSpec) -> LockAccess:
    return LockAccess(lock=lock, mode=LockMode.EXCLUSIVE)


def unheard(held: LockHeld) -> None:
    """Take no note of what is waited for."""


def holder(name: str) -> LockHolder:
    return LockHolder(builder_name=name)


def test_a_counting_lock_is_granted_up_to_its_count():
    table = LockTable()

    grants = [table.try_acquire([counting(DISK)], "w", holder(str(i))) for i in range(3)]

    assert [grant is not None for grant in grants] == [True, True, False]


def test_an_exclusive_holder_keeps_everybody_out():
    table = LockTable()
    assert table.try_acquire([exclusive(DISK)], "w", holder("a"))

    assert table.try_acquire([counting(DISK)], "w", holder("b")) is None
    assert table.try_acquire([exclusive(DISK)], "w", holder("c")) is None


def test_each_worker_has_its_own_worker_lock_and_its_own_count():
    table = LockTable()

    def take(worker: str) -> bool:
        return table.try_acquire([counting(TOOLS)], worker, holder("a")) is not None

    assert [take("small"), take("small"), take("other")] == [True, False, True]
    assert [take("big") for _ in range(4)] == [True, True, True, False]


async def test_nobody_overtakes_a_waiting_exclusive_access():
    table = LockTable()
    first = table.try_acquire([counting(DISK)], "w", holder("first"))
    writer = asyncio.ensure_future(table.acquire([exclusive(DISK)], "w", holder("writer"), unheard))
    await asyncio.sleep(0)

    assert table.try_acquire([counting(DISK)], "w", holder("late reader")) is None

    first.release()
    grant = await asyncio.wait_for(writer, PATIENCE)
    assert table.try_acquire([counting(DISK)], "w", holder("late reader")) is None
    grant.release()
    assert table.try_acquire([counting(DISK)], "w", holder("late reader"))


async def test_locks_wanted_together_are_granted_together():
    table = LockTable()
    disk = table.try_acquire([exclusive(DISK)], "w", holder("disk"))
    both = asyncio.ensure_future(
        table.acquire([counting(DISK), exclusive(NETWORK)], "w", holder("both"), unheard)
    )
    await asyncio.sleep(0)

    waits = table.why([counting(NETWORK)], "w")
    assert waits == LockHeld(lock="network", holders=(), before=(holder("both"),))
    assert waits.sentence == "lock network is reserved for both, which has waited longer"

    disk.release()
    assert isinstance(await asyncio.wait_for(both, PATIENCE), Grant)


async def test_a_cancelled_waiter_lets_those_behind_go_on():
    table = LockTable()
    first = table.try_acquire([counting(DISK)], "w", holder("first"))
    writer = asyncio.ensure_future(table.acquire([exclusive(DISK)], "w", holder("writer"), unheard))
    await asyncio.sleep(0)
    reader = asyncio.ensure_future(table.acquire([counting(DISK)], "w", holder("reader"), unheard))
    await asyncio.sleep(0)

    writer.cancel()

    assert isinstance(await asyncio.wait_for(reader, PATIENCE), Grant)
    first.release()


async def test_a_step_may_use_a_lock_that_its_build_holds():
    table = LockTable()
    grant = table.try_acquire([exclusive(NETWORK)], "w", holder("b"))
    build = LockHolder(builder_name="b", build_id=BuildId(1), build_number=1)
    grant.name(build)

    step = LockHolder(builder_name="b", build_id=BuildId(1), step_id=StepId(7), step_name="s")
    inner = await asyncio.wait_for(
        table.acquire([exclusive(NETWORK)], "w", step, unheard), PATIENCE
    )
    inner.release()

    assert table.try_acquire([counting(NETWORK)], "w", holder("other")) is None


def test_a_refusal_names_those_who_hold_the_lock():
    table = LockTable()
    table.try_acquire([exclusive(NETWORK)], "w", holder("deploy"))

    waits = table.why([counting(NETWORK)], "w")
    assert waits == LockHeld(lock="network", holders=(holder("deploy"),))
    assert waits.sentence == "lock network is held by deploy"
    assert table.why([counting(DISK)], "w") is None


@given(
    st.lists(
        st.tuples(
            st.sampled_from([DISK, NETWORK, TOOLS]),
            st.booleans(),
            st.integers(1, 2),
            st.booleans(),
        ),
        max_size=30,
    )
)
def test_locks_are_never_granted_beyond_their_count_and_everyone_is_served(wishes):
    async def run() -> None:
        table = LockTable()
        inside: dict[str, list[LockAccess]] = {}
        served = 0

        async def use(lock: LockSpec, alone: bool, count: int) -> None:
            nonlocal served
            access = exclusive(lock) if alone else counting(lock, min(count, lock.max_count))
            grant = await table.acquire([access], "w", holder("x"), unheard)
            users = inside.setdefault(lock.name, [])
            users.append(access)
            assert len(users) == 1 or all(u.mode is LockMode.COUNTING for u in users)
            assert sum(u.count for u in users) <= lock.count_for("w")
            await asyncio.sleep(0)
            users.remove(access)
            grant.release()
            served += 1

        tasks = []
        for lock, alone, count, pause in wishes:
            tasks.append(asyncio.ensure_future(use(lock, alone, count)))
            if pause:
                await asyncio.sleep(0)
        await asyncio.wait_for(asyncio.gather(*tasks), PATIENCE)
        assert served == len(wishes)

    asyncio.run(run())
