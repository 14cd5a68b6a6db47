"""What changes while the dispatcher asks, waits or stores costs no request, lock or worker."""

import asyncio

import pytest
from test_dispatcher import Farm, builder, settle

from chargehand.config.model import MasterConfig
from chargehand.domain.assignment import AlreadyClaimed, UnknownBuilder
from chargehand.domain.identifiers import BuilderId
from chargehand.domain.lock import LockAccess, LockMode, LockScope, LockSpec
from chargehand.domain.result import Result
from chargehand.testing.dispatch import MemoryWorkers

_ACCESS = (
    LockAccess(lock=LockSpec(name="deploy", scope=LockScope.MASTER), mode=LockMode.EXCLUSIVE),
)


class Question:
    """A user's function that takes its time, and then says what the test wants."""

    def __init__(self, answer=True) -> None:
        self.answer = answer
        self.may_answer = asyncio.Event()
        self.asked = 0

    async def __call__(self, *_):
        self.asked += 1
        await self.may_answer.wait()
        return self.answer


@pytest.fixture
async def farm():
    farm = Farm(MemoryWorkers(one=1, two=1, three=1, many=4))
    await farm.dispatcher.start()
    yield farm
    await farm.dispatcher.stop()


async def test_a_request_that_is_cancelled_while_a_function_is_asked_leaves_no_place_in_line(farm):
    question = Question()
    await farm.configure(
        builder("a", "one", locks=_ACCESS),
        builder("b", "two", locks=_ACCESS, can_start_build=question),
        builder("c", "three", locks=_ACCESS),
    )
    farm.store.submit(1)
    await settle()
    asking = farm.store.submit(2)
    await settle()

    await farm.dispatcher.cancel(asking, "")
    question.may_answer.set()
    behind = farm.store.submit(3)
    await settle()
    await farm.end(1)

    assert farm.started == [1, behind]


async def test_a_builder_that_is_removed_while_a_function_is_asked_starts_nothing(farm):
    question = Question()
    a, c = builder("a", "one", locks=_ACCESS), builder("c", "three", locks=_ACCESS)
    ids = {"a": BuilderId(1), "c": BuilderId(3)}
    removed = builder("b", "two", locks=_ACCESS, can_start_build=question)
    await farm.dispatcher.reconfigure(
        MasterConfig(builders=(a, removed, c)), {**ids, "b": BuilderId(2)}
    )
    farm.store.submit(1)
    await settle()
    waiting = farm.store.submit(2)
    await settle()

    await farm.dispatcher.reconfigure(MasterConfig(builders=(a, c)), ids)
    question.may_answer.set()
    farm.store.submit(3)
    await settle()
    await farm.end(1)

    assert farm.started == [1, 3]
    assert [p.request.id for p in await farm.store.pending([BuilderId(2)])] == [waiting]


async def test_nothing_starts_after_a_function_has_answered_a_dispatcher_that_stops(farm):
    question = Question()
    await farm.configure(builder("a", "one", can_start_build=question))
    farm.store.submit(1)
    await settle()

    farm.dispatcher.stop_starting()
    question.may_answer.set()
    await settle()

    assert farm.started == []


async def test_a_builder_whose_function_refuses_does_not_keep_others_from_its_lock(farm):
    question = Question()
    question.may_answer.set()
    await farm.configure(
        builder("a", "one", locks=_ACCESS),
        builder("b", "two", locks=_ACCESS, can_start_build=question),
        builder("c", "three", locks=_ACCESS),
    )
    for builder_id in (1, 2, 3):
        farm.store.submit(builder_id)
        await settle()
    question.answer = False
    await farm.end(1)

    assert farm.started == [1, 3]


async def test_a_builder_does_not_wait_in_line_for_what_another_request_wanted(farm):
    other = (
        LockAccess(lock=LockSpec(name="disk", scope=LockScope.MASTER), mode=LockMode.EXCLUSIVE),
    )
    wanted = _ACCESS

    async def locks(properties):
        return wanted

    await farm.configure(
        builder("deploys", "one", locks=_ACCESS),
        builder("writes", "two", locks=other),
        builder("b", "three", locks=locks),
        builder("c", "three", locks=_ACCESS),
    )
    farm.store.submit(1), farm.store.submit(2), farm.store.submit(3)
    await settle()
    wanted = other
    farm.dispatcher.worker_changed("three")
    await settle()
    farm.store.submit(4)
    await settle()
    await farm.end(1)

    assert farm.started == [1, 2, 4]


async def test_a_builder_that_comes_back_still_runs_one_build_on_a_worker(farm):
    a = builder("a", "many")
    ids = {"a": BuilderId(1)}
    await farm.configure(a)
    farm.store.submit(1)
    await settle()

    await farm.dispatcher.reconfigure(MasterConfig(), {})
    await farm.dispatcher.reconfigure(MasterConfig(builders=(a,)), ids)
    farm.store.submit(1)
    await settle()
    assert farm.started == [1]

    await farm.end(1)
    assert farm.started == [1, 2]


async def test_an_order_of_builders_that_is_none_stops_nothing(farm):
    async def nothing(names):
        return None

    await farm.configure(builder("a", "one"), prioritize_builders=nothing)
    farm.store.submit(1)
    await settle()
    await farm.end(1)
    farm.store.submit(1)
    await settle()

    assert farm.started == [1, 2]


async def test_locks_that_are_none_stop_only_their_builder(farm):
    async def nonsense(properties):
        return 17

    await farm.configure(builder("a", "one", locks=nonsense), builder("b", "two"))
    farm.store.submit(1)
    await settle()
    farm.store.submit(2)
    await settle()

    assert farm.started == [2]
    assert "TypeError" in farm.why(1).sentence


@pytest.mark.looptime
async def test_a_request_whose_build_could_not_be_started_stays_queued(farm, looptime):
    farm.failures.append(OSError("the database is damaged"))
    await farm.configure(builder("a", "one"))
    farm.store.submit(1)
    await settle()
    assert farm.started == []

    await asyncio.sleep(60)

    assert farm.started == [1]


@pytest.mark.parametrize("is_claimed", [True, False])
async def test_a_request_that_is_cancelled_while_it_is_given_back_ends_at_once(farm, is_claimed):
    async def fails(assignment):
        if is_claimed:
            farm.store.claim(assignment.request_ids)
        raise OSError("the database is damaged")

    farm.start = fails
    await farm.configure(builder("a", "one"))
    request_id = farm.store.submit(1)
    await settle()

    assert "could not be recorded" in farm.dispatcher.why_claimed(request_id).sentence
    assert await farm.dispatcher.cancel(request_id, "not wanted")
    await settle()

    assert farm.store.completed == {request_id: Result.CANCELLED}
    assert not (is_claimed and await farm.dispatcher.cancel(request_id, "again"))


@pytest.mark.looptime
async def test_a_request_that_could_not_be_collapsed_is_built(farm, looptime):
    async def fails(request_ids, result):
        raise OSError("the database is damaged")

    farm.workers.alter("one", connected=False)
    await farm.configure(builder("a", "one"))
    complete, farm.store.complete = farm.store.complete, fails
    same = {"sources": (("", "r", "", "main"),)}
    farm.store.submit(1, **same), farm.store.submit(1, **same)
    await settle()
    farm.store.complete = complete
    farm.workers.alter("one", connected=True)
    await asyncio.sleep(60)

    assert 1 in farm.started


async def test_a_request_that_is_cancelled_while_collapsing_is_decided_replaces_nothing(farm):
    question = Question()
    farm.workers.alter("one", connected=False)
    await farm.configure(builder("a", "one", collapse_requests=question))
    farm.store.submit(1)
    newer = farm.store.submit(1)
    await settle()
    assert question.asked == 1

    await farm.dispatcher.cancel(newer, "not wanted")
    question.may_answer.set()
    await settle()

    assert farm.store.completed == {newer: Result.CANCELLED}


@pytest.mark.looptime
async def test_a_function_that_never_answers_stops_only_its_builder(farm, looptime):
    await farm.configure(builder("a", "one", can_start_build=Question()), builder("b", "two"))
    farm.store.submit(1)
    await settle()
    farm.store.submit(2)

    await asyncio.sleep(100)

    assert farm.started == [2]
    assert "did not answer within 60 s" in farm.why(1).sentence


async def test_a_builder_that_is_unknown_for_a_moment_loses_no_request(farm):
    farm.failures.append(UnknownBuilder("a"))
    await farm.configure(builder("a", "one"))

    request_id = farm.store.submit(1)
    await settle()

    assert farm.started == [request_id]


async def test_a_request_that_another_master_took_is_left_to_it(farm):
    farm.failures.append(AlreadyClaimed("it builds there"))
    await farm.configure(builder("a", "one"))

    taken = farm.store.submit(1)
    await settle()
    farm.store.claim([taken])
    following = farm.store.submit(1)
    await settle()

    assert farm.started == [following]


async def test_a_request_that_is_taken_while_the_store_is_read_is_not_queued_again(farm):
    pending, may_answer = farm.store.pending, asyncio.Event()

    async def slowly(builder_ids):
        found = await pending(builder_ids)
        await may_answer.wait()
        return found

    farm.store.pending = slowly
    taken = farm.store.submit(1)
    configuring = asyncio.ensure_future(farm.configure(builder("a", "one")))
    await settle()
    farm.store.claim([taken])
    may_answer.set()
    await configuring
    await settle()

    assert farm.started == []
    assert farm.attempts == []
