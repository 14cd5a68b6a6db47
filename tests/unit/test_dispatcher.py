"""Waiting requests meet free workers, in order, and every wait has its reason."""

import asyncio
import re

import pytest

from chargehand.config.model import BuilderConfig, MasterConfig
from chargehand.dispatch.locks import LockTable
from chargehand.dispatch.service import Dispatcher
from chargehand.domain.assignment import Assignment
from chargehand.domain.identifiers import BuilderId, MasterId, RequestId
from chargehand.domain.lock import LockAccess, LockHolder, LockMode, LockScope, LockSpec
from chargehand.domain.result import Result
from chargehand.domain.waiting import (
    BehindOthers,
    BuilderNotConfigured,
    FunctionFailed,
    LockHeld,
    MasterStopping,
    NoWorkerConnected,
    RefusedByFunction,
    WorkersBusy,
    WorkersInterrupted,
    WorkersPaused,
)
from chargehand.events.bus import Bus
from chargehand.testing.dispatch import MemoryRequestStore, MemoryWorkers


class Farm:
    """A dispatcher with builders a, b, c …; builds run until `end` is called."""

    def __init__(self, workers: MemoryWorkers) -> None:
        self.bus = Bus()
        self.store = MemoryRequestStore(self.bus)
        self.workers = workers
        self.locks = LockTable()
        self.running: dict[int, tuple[str, str, asyncio.Event]] = {}
        self.started: list[int] = []
        self.attempts: list[int] = []
        self.failures: list[Exception] = []
        """What the next starts raise."""
        self.dispatcher = Dispatcher(
            store=self.store,
            workers=workers,
            builds=self,
            locks=self.locks,
            bus=self.bus,
            master_id=MasterId(1),
            choose=lambda slots: slots[0],
        )

    async def start(self, assignment: Assignment) -> None:
        """Begin a build, as ``execution`` does."""
        request_id, builder_name = assignment.request_id, assignment.builder_name
        self.attempts.append(request_id)
        if self.failures:
            raise self.failures.pop(0)
        self.store.claim(assignment.request_ids)
        assignment.grant.name(LockHolder(builder_name=builder_name, build_number=request_id))
        done = asyncio.Event()
        self.running[request_id] = (builder_name, assignment.worker_name, done)
        self.started.append(request_id)
        await done.wait()
        del self.running[request_id]

    async def configure(self, *builders: BuilderConfig, **more) -> None:
        ids = {b.name: BuilderId(number) for number, b in enumerate(builders, 1)}
        await self.dispatcher.reconfigure(MasterConfig(builders=builders, **more), ids)

    async def end(self, request_id: int) -> None:
        self.running[request_id][2].set()
        await settle()

    def why(self, request_id: int, builder_id: int = 1):
        return self.dispatcher.why_waiting(RequestId(request_id), BuilderId(builder_id))


async def settle() -> None:
    """Let everything that is ready run."""
    for _ in range(30):
        await asyncio.sleep(0)


def builder(name: str, *workers: str, **more) -> BuilderConfig:
    return BuilderConfig(
        name=name, worker_names=workers, plan=None, builddir=name, worker_builddir=name, **more
    )


@pytest.fixture
async def farm():
    farm = Farm(MemoryWorkers(one=1, two=2))
    await farm.dispatcher.start()
    yield farm
    await farm.dispatcher.stop()


async def test_a_request_starts_as_soon_as_it_comes(farm):
    await farm.configure(builder("a", "one"))

    request_id = farm.store.submit(1)
    await settle()

    assert farm.started == [request_id]
    assert farm.store.claimed == [request_id]


async def test_requests_that_waited_before_the_start_are_built(farm):
    farm.store.submit(1)

    await farm.configure(builder("a", "one"))
    await settle()

    assert farm.started == [1]


async def test_the_oldest_request_of_all_builders_comes_first_and_priority_goes_before_age(farm):
    farm.workers.alter("one", connected=False)
    await farm.configure(builder("a", "one"), builder("b", "one"))
    for builder_id, priority in ((2, 0), (1, 0), (1, 5)):
        farm.store.submit(builder_id, priority=priority)
    await settle()
    assert farm.started == []

    farm.workers.alter("one", connected=True)
    farm.dispatcher.worker_changed("one")
    for _ in range(3):
        await settle()
        await farm.end(farm.started[-1])

    assert farm.started == [3, 1, 2]


async def test_a_builder_runs_one_build_at_a_time_on_a_worker(farm):
    await farm.configure(builder("a", "two"), builder("b", "two"))

    farm.store.submit(1), farm.store.submit(1), farm.store.submit(2)
    await settle()

    assert farm.started == [1, 3]
    assert farm.why(2) == WorkersBusy(workers=(("two", 1, 1),)) or isinstance(
        farm.why(2), WorkersBusy
    )


async def test_a_freed_worker_takes_the_next_request(farm):
    await farm.configure(builder("a", "one"))
    farm.store.submit(1), farm.store.submit(1)
    await settle()

    await farm.end(1)

    assert farm.started == [1, 2]


async def test_equal_requests_are_collapsed_into_the_newest(farm):
    farm.workers.alter("one", connected=False)
    await farm.configure(builder("a", "one"))

    same = {"sources": (("", "r", "", "main"),)}
    ids = [farm.store.submit(1, **same) for _ in range(3)]
    await settle()

    assert farm.store.completed == {ids[0]: Result.SKIPPED, ids[1]: Result.SKIPPED}


async def test_a_builder_may_decide_about_collapsing_itself(farm):
    farm.workers.alter("one", connected=False)

    async def never(name, request, other):
        return False

    async def always(name, request, other):
        return True

    await farm.configure(
        builder("a", "one", collapse_requests=False),
        builder("b", "one", collapse_requests=never),
        builder("c", "one", collapse_requests=always),
    )
    same = {"sources": (("", "r", "", "main"),)}
    for builder_id in (1, 1, 2, 2):
        farm.store.submit(builder_id, **same)
    farm.store.submit(3), farm.store.submit(3)
    await settle()

    assert farm.store.completed == {5: Result.SKIPPED}


async def test_functions_choose_request_and_worker(farm):
    farm.workers.alter("one", connected=False), farm.workers.alter("two", connected=False)

    async def newest(name, requests):
        return requests[-1]

    async def last(name, slots, request):
        return slots[-1]

    await farm.configure(
        builder("a", "one", "two", next_build=newest, next_worker=last, collapse_requests=False)
    )
    farm.store.submit(1), farm.store.submit(1)
    for name in ("one", "two"):
        farm.workers.alter(name, connected=True)
    farm.dispatcher.worker_changed("one")
    await settle()

    assert farm.started[0] == 2
    assert farm.running[2][1] == "two"


async def test_a_function_that_fails_stops_only_its_builder_and_is_named(farm):
    async def broken(name, slot, request):
        raise ValueError("no idea")

    async def no(name, slot, request):
        return False

    await farm.configure(
        builder("a", "one", can_start_build=broken),
        builder("b", "one", can_start_build=no),
        builder("c", "one"),
    )
    for builder_id in (1, 2, 3):
        farm.store.submit(builder_id)
    await settle()

    assert farm.started == [3]
    await farm.end(3)
    failure = farm.why(1)
    assert isinstance(failure, FunctionFailed)
    assert re.search(
        r"^canStartBuild \(.*test_dispatcher.py:\d+\) failed: ValueError: no idea$",
        failure.sentence,
    )
    refusal = farm.why(2, 2)
    assert isinstance(refusal, RefusedByFunction)
    assert (refusal.function, refusal.workers) == ("canStartBuild", ("one",))
    assert re.search(
        r"^canStartBuild \(.*test_dispatcher.py:\d+\) refused for one$", refusal.sentence
    )


async def test_locks_of_builders_are_exclusive_and_the_wait_names_the_holder(farm):
    lock = LockSpec(name="deploy", scope=LockScope.MASTER)
    access = (LockAccess(lock=lock, mode=LockMode.EXCLUSIVE),)
    await farm.configure(builder("a", "one", locks=access), builder("b", "two", locks=access))
    farm.store.submit(1), farm.store.submit(2)
    await settle()

    assert farm.started == [1]
    why = farm.why(2, 2)
    assert isinstance(why, LockHeld)
    assert why.sentence == "lock deploy is held by a #1"

    await farm.end(1)
    assert farm.started == [1, 2]


async def test_prioritize_builders_may_reorder_and_leave_out(farm):
    async def only_c_then_b(names):
        return [name for name in ("c", "b") if name in names]

    farm.workers.alter("one", connected=False)
    await farm.configure(
        builder("a", "one"),
        builder("b", "one"),
        builder("c", "one"),
        prioritize_builders=only_c_then_b,
    )
    for builder_id in (1, 2, 3):
        farm.store.submit(builder_id)
    farm.workers.alter("one", connected=True)
    farm.dispatcher.worker_changed("one")
    await settle()
    await farm.end(3)
    await farm.end(2)

    assert farm.started == [3, 2]


async def test_every_wait_has_its_reason(farm):
    await farm.configure(builder("a", "one", collapse_requests=False))
    farm.store.submit(1)
    await settle()

    farm.store.submit(1), farm.store.submit(1)
    await settle()
    assert isinstance(farm.why(2), WorkersBusy)
    assert farm.why(3) == BehindOthers(ahead=1, the_first_waits=farm.why(2).sentence)

    lost_at = asyncio.get_running_loop().time() - 12
    farm.workers.alter("one", interrupted_at=lost_at)
    assert farm.why(2) == WorkersInterrupted(workers=(("one", 12, 1),))
    expected = "worker one lost its connection 12 s ago; its build keeps running"
    assert farm.why(2).sentence == expected

    farm.workers.alter("one", paused=True, pause_reason="disk is full")
    assert farm.why(2) == WorkersPaused(workers=(("one", "disk is full"),))

    farm.workers.alter("one", connected=False)
    assert farm.why(2) == NoWorkerConnected(workers=("one",))
    assert farm.why(2, 77) == BuilderNotConfigured()

    farm.dispatcher.stop_starting()
    assert farm.why(2) == MasterStopping()


async def test_a_cancelled_request_does_not_start(farm):
    farm.workers.alter("one", connected=False)
    await farm.configure(builder("a", "one"))
    request_id = farm.store.submit(1)

    assert await farm.dispatcher.cancel(request_id, "not wanted")
    farm.workers.alter("one", connected=True)
    farm.dispatcher.worker_changed("one")
    await settle()

    assert farm.started == []
    assert not await farm.dispatcher.cancel(request_id, "again")


async def test_a_new_priority_reorders_the_queue(farm):
    farm.workers.alter("one", connected=False)
    await farm.configure(builder("a", "one"))
    farm.store.submit(1), farm.store.submit(1)

    await farm.dispatcher.set_priority(RequestId(2), 10)
    farm.workers.alter("one", connected=True)
    farm.dispatcher.worker_changed("one")
    await settle()

    assert farm.started == [2]


async def test_thousands_of_builders_waiting_for_one_worker_are_looked_at_cheaply(farm):
    await farm.configure(*(builder(f"b{i}", "one") for i in range(2000)))
    for builder_id in range(1, 2001):
        farm.store.submit(builder_id)
    await settle()

    for request_id in range(1, 51):
        assert farm.started[-1] == request_id
        await farm.end(request_id)


async def test_a_builder_that_cannot_use_a_lock_does_not_hold_up_those_behind_it(farm):
    lock = LockSpec(name="deploy", scope=LockScope.MASTER)
    access = (LockAccess(lock=lock, mode=LockMode.EXCLUSIVE),)
    await farm.configure(
        builder("a", "two", locks=access),
        builder("b", "one", locks=access),
        builder("c", "two", locks=access),
    )
    farm.store.submit(1), farm.store.submit(2), farm.store.submit(3)
    await settle()
    assert farm.started == [1]

    farm.workers.alter("one", paused=True)
    await farm.end(1)

    assert farm.started == [1, 3]


async def test_a_builder_in_line_for_several_workers_takes_whichever_is_free(farm):
    lock = LockSpec(name="deploy", scope=LockScope.MASTER)
    access = (LockAccess(lock=lock, mode=LockMode.EXCLUSIVE),)
    await farm.configure(
        builder("a", "two", locks=access), builder("b", "one", "two", locks=access)
    )
    farm.store.submit(1), farm.store.submit(2)
    await settle()
    assert farm.started == [1]

    farm.workers.alter("one", connected=False)
    await farm.end(1)

    assert farm.started == [1, 2]


async def test_what_came_back_unheard_is_queued_once_when_the_dispatcher_looks_again(farm):
    farm.workers.alter("one", connected=False)
    await farm.configure(builder("a", "one"), builder("b", "one"))
    known = farm.store.submit(1)
    unheard, elsewhere = (farm.store.submit_unheard(number) for number in (2, 9))

    await farm.dispatcher.look_again()

    assert isinstance(farm.why(known), NoWorkerConnected)
    assert isinstance(farm.why(unheard, 2), NoWorkerConnected)
    farm.workers.alter("one", connected=True)
    for _ in range(2):
        await farm.dispatcher.look_again()
        await settle()
    assert farm.started == [known]
    await farm.end(known)
    assert farm.started == [known, unheard]
    assert isinstance(farm.why(elsewhere, 9), BuilderNotConfigured)
