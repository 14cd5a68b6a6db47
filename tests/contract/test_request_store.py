"""What dispatching needs of a store of requests: the fake and the real one keep its promises."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import pytest
from store_workshop import Workshop

from chargehand.dispatch.ports import RequestStore
from chargehand.domain.buildset import BuildRequest, NewBuildset
from chargehand.domain.identifiers import BuilderId, MasterId, RequestId
from chargehand.domain.result import Result
from chargehand.domain.source_stamp import SourceStamp
from chargehand.events.bus import Bus
from chargehand.events.messages import (
    Event,
    RequestCancelled,
    RequestClaimed,
    RequestCompleted,
    RequestUnclaimed,
    RequestUpdated,
)
from chargehand.testing.dispatch import MemoryRequestStore

_TOLD = (RequestCancelled, RequestClaimed, RequestCompleted, RequestUnclaimed, RequestUpdated)


@dataclass(kw_only=True)
class Given:
    store: RequestStore
    builders: tuple[BuilderId, BuilderId]
    submit: Callable[[BuilderId], Awaitable[RequestId]]
    claim: Callable[[Sequence[RequestId]], Awaitable[object]]
    events: list[Event]
    master_id: MasterId

    async def waiting(self, *builders: BuilderId) -> list[RequestId]:
        found = await self.store.pending(builders or self.builders)
        return [pending.request.id for pending in found]

    def told(self) -> list[Event]:
        """Return and forget what was announced of requests since they were submitted."""
        found = [event for event in self.events if isinstance(event, _TOLD)]
        self.events.clear()
        return found


def in_memory() -> Given:
    bus, events = Bus(), list[Event]()
    bus.subscribe(events.append, *_TOLD)
    store = MemoryRequestStore(bus)

    async def submit(builder: BuilderId) -> RequestId:
        return store.submit(builder)

    async def claim(request_ids: Sequence[RequestId]) -> None:
        store.claim(request_ids)

    builders = (BuilderId(1), BuilderId(2))
    return Given(
        store=store,
        builders=builders,
        submit=submit,
        claim=claim,
        events=events,
        master_id=MasterId(1),
    )


def in_database(workshop: Workshop) -> Given:
    async def submit(builder: BuilderId) -> RequestId:
        submitted = await workshop.store.buildsets.submit(
            NewBuildset(
                builder_ids=(builder,), source_stamps=(SourceStamp(),), reason="r", scheduler="s"
            )
        )
        return submitted.requests[0].request.id

    async def claim(request_ids: Sequence[RequestId]) -> object:
        return await workshop.start(*request_ids)

    return Given(
        store=workshop.store.requests,
        builders=(workshop.builder_ids["b1"], workshop.builder_ids["b2"]),
        submit=submit,
        claim=claim,
        events=workshop.events,
        master_id=workshop.master_id,
    )


@pytest.fixture
def given(real: Workshop | None) -> Given:
    return in_memory() if real is None else in_database(real)


def _request(event: Event) -> BuildRequest:
    request = getattr(event, "request", None)
    assert isinstance(request, BuildRequest)
    return request


async def test_what_waits_is_given_oldest_first_for_some_builders(given: Given) -> None:
    one, two = given.builders
    first, second, third = [await given.submit(builder) for builder in (two, one, two)]

    assert await given.waiting() == [first, second, third]
    assert await given.waiting(two) == [first, third]
    await given.claim([first])
    assert await given.waiting(two) == [third]


async def test_a_claimed_request_can_be_given_back_once(given: Given) -> None:
    request_id = await given.submit(given.builders[0])
    await given.claim([request_id])
    given.told()

    await given.store.give_back([request_id], given.master_id)
    await given.store.give_back([request_id], given.master_id)

    (event,) = given.told()
    assert isinstance(event, RequestUnclaimed)
    assert event.pending.request.id == request_id
    assert not event.pending.request.complete
    assert await given.waiting() == [request_id]


async def test_completed_requests_do_not_wait_and_are_announced_with_their_result(
    given: Given,
) -> None:
    first, second = [await given.submit(given.builders[0]) for _ in range(2)]

    await given.store.complete([first, second], Result.SKIPPED)

    told = given.told()
    assert [type(event) for event in told] == [RequestCompleted] * 2
    assert [_request(event).id for event in told] == [first, second]
    assert {_request(event).result for event in told} == {Result.SKIPPED}
    assert all(_request(event).complete for event in told)
    assert await given.waiting() == []


async def test_a_request_that_waits_can_be_cancelled_once(given: Given) -> None:
    request_id = await given.submit(given.builders[0])

    assert await given.store.cancel(request_id, "not needed")
    assert not await given.store.cancel(request_id, "again")

    told = given.told()
    assert [type(event) for event in told] == [RequestCancelled, RequestCompleted]
    assert _request(told[1]).result is Result.CANCELLED
    assert await given.waiting() == []


async def test_a_request_that_was_claimed_cannot_be_cancelled(given: Given) -> None:
    request_id = await given.submit(given.builders[0])
    await given.claim([request_id])
    given.told()

    assert not await given.store.cancel(request_id, "too late")
    assert not await given.store.cancel(RequestId(99), "never was")

    assert given.told() == []


async def test_a_priority_is_announced_and_kept_also_for_what_is_claimed(given: Given) -> None:
    waiting, claimed = [await given.submit(given.builders[0]) for _ in range(2)]
    await given.claim([claimed])
    given.told()

    await given.store.set_priority(waiting, 9)
    await given.store.set_priority(claimed, 8)
    await given.store.give_back([claimed], given.master_id)

    updated = [event for event in given.told() if isinstance(event, RequestUpdated)]
    assert [(event.request.id, event.request.priority) for event in updated] == [
        (waiting, 9),
        (claimed, 8),
    ]
    found = await given.store.pending(given.builders)
    assert [pending.request.priority for pending in found] == [9, 8]


async def test_what_is_complete_has_no_priority_any_more(given: Given) -> None:
    request_id = await given.submit(given.builders[0])
    await given.store.complete([request_id], Result.SKIPPED)

    with pytest.raises(LookupError):
        await given.store.set_priority(request_id, 1)
