"""What scheduling needs of a store: the fake and the real one keep the same promises."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from store_workshop import Workshop

from chargehand.domain.buildset import NewBuildset
from chargehand.domain.change import Change, NewChange
from chargehand.domain.identifiers import BuilderId, BuildId, BuildsetId, MasterId, SchedulerId
from chargehand.domain.source_stamp import SourceStamp
from chargehand.events.bus import Bus
from chargehand.events.messages import (
    BuildsetCompleted,
    BuildsetSubmitted,
    Event,
    RequestSubmitted,
    SchedulerChanged,
)
from chargehand.scheduling.ports import BuildsetStore, ChangeStore, SchedulerStore, StateStore
from chargehand.testing.intake import MemoryStateStore
from chargehand.testing.scheduling_stores import (
    MemoryBuildsets,
    MemoryChanges,
    MemorySchedulers,
)

_TOLD = (BuildsetSubmitted, RequestSubmitted, BuildsetCompleted, SchedulerChanged)


@dataclass(kw_only=True)
class Given:
    schedulers: SchedulerStore
    buildsets: BuildsetStore
    changes: ChangeStore
    state: StateStore
    masters: tuple[MasterId, MasterId]
    builders: tuple[BuilderId, BuilderId]
    add: Callable[[NewChange], Awaitable[Change]]
    events: list[Event]

    async def scheduler(self, name: str = "s") -> SchedulerId:
        return (await self.schedulers.ids([name]))[name]

    async def change(self, **fields: Any) -> Change:
        return await self.add(NewChange(author="me", **{"branch": "main", **fields}))

    def buildset(self, *stamps: Any, **more: Any) -> NewBuildset:
        given: dict[str, Any] = {
            "builder_ids": self.builders[:1],
            "source_stamps": stamps or (SourceStamp(),),
            "reason": "r",
            "scheduler": "s",
            "properties": {"p": (1, "Scheduler")},
        }
        return NewBuildset(**given | more)


def in_memory() -> Given:
    events: list[Event] = []
    bus = Bus()
    bus.subscribe(events.append, *_TOLD)
    changes = MemoryChanges(bus)
    buildsets = MemoryBuildsets(bus, changes)

    async def add(change: NewChange) -> Change:
        return changes.add(change)

    return Given(
        schedulers=MemorySchedulers(bus, buildsets),
        buildsets=buildsets,
        changes=changes,
        state=MemoryStateStore(),
        masters=(MasterId(1), MasterId(2)),
        builders=(BuilderId(1), BuilderId(2)),
        add=add,
        events=events,
    )


async def in_database(workshop: Workshop) -> Given:
    store = workshop.store

    async def add(change: NewChange) -> Change:
        return (await store.changes.add([change]))[0]

    second = await store.masters.start("n")
    return Given(
        schedulers=store.schedulers,
        buildsets=store.buildsets,
        changes=store.changes,
        state=store.state,
        masters=(workshop.master_id, second),
        builders=(workshop.builder_ids["b1"], workshop.builder_ids["b2"]),
        add=add,
        events=workshop.events,
    )


@pytest.fixture
async def given(real: Workshop | None) -> Given:
    return in_memory() if real is None else await in_database(real)


async def test_a_scheduler_keeps_its_identifier(given: Given) -> None:
    first = await given.schedulers.ids(["a", "b"])

    second = await given.schedulers.ids(["b", "c"])

    assert second["b"] == first["b"]
    assert len({*first.values(), *second.values()}) == 3


async def test_one_master_has_a_scheduler_until_it_gives_it_up(given: Given) -> None:
    number = await given.scheduler()
    first, second = given.masters

    assert await given.schedulers.activate([number], first) == {number}
    assert await given.schedulers.activate([number], first) == {number}
    assert await given.schedulers.activate([number], second) == set()
    await given.schedulers.deactivate(first)

    assert await given.schedulers.activate([number], second) == {number}


async def test_schedulers_are_enabled_until_somebody_disables_them(given: Given) -> None:
    number = await given.scheduler()
    assert await given.schedulers.enabled([number]) == {number: True}

    await given.schedulers.set_enabled(number, False)

    assert await given.schedulers.enabled([number]) == {number: False}
    told = [event for event in given.events if isinstance(event, SchedulerChanged)]
    assert told[-1].verb == "updated"
    assert told[-1].scheduler.id == number
    assert told[-1].scheduler.enabled is False


async def test_what_a_scheduler_is_and_when_it_is_due_is_announced(given: Given) -> None:
    number = await given.scheduler()

    await given.schedulers.describe({number: ("Nightly", "its time")})
    await given.schedulers.describe({number: ("Nightly", "its time")})
    await given.schedulers.due(number, 500.0)
    await given.schedulers.set_enabled(number, False)

    shown = [event.scheduler for event in given.events if isinstance(event, SchedulerChanged)]
    assert [(one.type, one.waits_for, one.next_at) for one in shown[-3:]] == [
        ("Nightly", "its time", None),
        ("Nightly", "its time", 500.0),
        ("Nightly", "its time", None),
    ]


async def test_changes_wait_until_they_are_flushed(given: Given) -> None:
    number = await given.scheduler()
    one, two, three = [(await given.change(revision=str(n))).id for n in range(3)]

    await given.schedulers.classify(number, {one: False, two: True})
    await given.schedulers.classify(number, {three: True, one: True})
    assert await given.schedulers.classified(number) == {one: True, two: True, three: True}
    await given.schedulers.flush(number, [one, three])
    assert await given.schedulers.classified(number) == {two: True}
    await given.schedulers.flush(number)

    assert await given.schedulers.classified(number) == {}


async def test_each_scheduler_has_its_own_waiting_changes(given: Given) -> None:
    one, other = await given.scheduler("one"), await given.scheduler("other")
    change = await given.change()
    await given.schedulers.classify(one, {change.id: True})
    await given.schedulers.classify(other, {change.id: False})

    await given.schedulers.flush(one)

    assert await given.schedulers.classified(other) == {change.id: False}


async def test_submitting_ends_the_waiting_of_some_changes(given: Given) -> None:
    number = await given.scheduler()
    one, two = await given.change(revision="1"), await given.change(revision="2")
    await given.schedulers.classify(number, {one.id: True})
    await given.schedulers.classify(number, {two.id: True})
    given.events.clear()

    submitted = await given.schedulers.submit_and_flush(
        number, given.buildset(one.source_stamp_id), [one.id]
    )

    assert await given.schedulers.classified(number) == {two.id: True}
    assert [stamp.stamp.revision for stamp in submitted.buildset.source_stamps] == ["1"]
    told = [event for event in given.events if isinstance(event, _TOLD)]
    assert [type(event) for event in told] == [BuildsetSubmitted, RequestSubmitted]


async def test_each_builder_gets_a_request_with_the_properties_that_count_for_it(
    given: Given,
) -> None:
    one, two = given.builders
    new = given.buildset(
        builder_ids=(one, two),
        builder_properties={two: {"p": (2, "Builder"), "q": ("own", "Builder")}},
        priority=4,
    )

    submitted = await given.buildsets.submit(new)

    first, second = submitted.requests
    assert [pending.request.builder_id for pending in submitted.requests] == [one, two]
    assert first.properties == {"p": (1, "Scheduler")}
    assert second.properties == {"p": (2, "Builder"), "q": ("own", "Builder")}
    assert (first.request.priority, first.reason) == (4, "r")
    assert {pending.request.buildset_id for pending in submitted.requests} == {
        submitted.buildset.id
    }


async def test_a_buildset_has_its_source_stamps_once_and_by_codebase(given: Given) -> None:
    change = await given.change(codebase="b", repository="r", project="p", revision="1")
    other = SourceStamp(codebase="a", branch="topic")

    submitted = await given.buildsets.submit(
        given.buildset(change.source_stamp_id, other, change.source_stamp_id)
    )
    again = await given.buildsets.submit(given.buildset(other))

    stamps = submitted.buildset.source_stamps
    assert [stamp.stamp.codebase for stamp in stamps] == ["a", "b"]
    (pending,) = submitted.requests
    assert pending.source_stamp_ids == tuple(stamp.id for stamp in stamps)
    assert pending.sources == (("a", "", "", "topic"), ("b", "r", "p", "main"))
    assert pending.with_changes == (change.source_stamp_id,)
    assert again.buildset.source_stamps == stamps[:1]
    assert not again.requests[0].with_changes


async def test_a_buildset_for_no_builder_is_complete_at_once(given: Given) -> None:
    await given.buildsets.submit(given.buildset(builder_ids=()))

    told = [type(event) for event in given.events if isinstance(event, _TOLD)]
    assert told == [BuildsetSubmitted, BuildsetCompleted]


async def test_a_build_that_is_not_there_cannot_be_rebuilt(given: Given) -> None:
    with pytest.raises(LookupError):
        await given.buildsets.rebuild_of(BuildId(99))


async def test_buildsets_of_a_scheduler_are_found_from_one_on(given: Given) -> None:
    assert await given.buildsets.newest_id() is None
    own, other = given.buildset(), given.buildset(scheduler="another", builder_ids=())
    sets = [(await given.buildsets.submit(one)).buildset.id for one in (own, other, own, own)]

    after = await given.buildsets.of_scheduler(own.scheduler, after=sets[1])
    among = await given.buildsets.of_scheduler(own.scheduler, after=sets[2], among=sets[:2])
    complete = await given.buildsets.of_scheduler("another", after=BuildsetId(0))

    assert await given.buildsets.newest_id() == sets[3]
    assert [one.id for one in after] == sets[2:]
    assert [one.id for one in among] == [sets[0], sets[3]]
    assert [(one.id, one.complete) for one in complete] == [(sets[1], True)]
    assert after[0].source_stamps


async def test_what_was_looked_at_is_remembered_and_never_lowered(given: Given) -> None:
    a, b, c = [await given.scheduler(name) for name in "abc"]
    one, two, three = [(await given.change(revision=str(n))).id for n in range(3)]
    await given.schedulers.saw_changes({a: two, b: three})
    await given.schedulers.saw_changes({a: one})
    assert await given.schedulers.last_seen_changes([a, b, c]) == {a: two, b: three}

    await given.schedulers.classify(a, {three: False})
    await given.schedulers.submit_and_flush(c, given.buildset(), [two])

    assert await given.schedulers.last_seen_changes([a, c]) == {a: three, c: two}


async def test_changes_are_read_oldest_first(given: Given) -> None:
    assert await given.changes.newest_change_id() is None
    one, two, three = [await given.change(revision=str(n)) for n in range(3)]

    assert await given.changes.newest_change_id() == three.id
    assert await given.changes.changes([three.id, one.id]) == [one, three]
    assert await given.changes.changes_after(one.id) == [two, three]
    assert await given.changes.changes_after(one.id, limit=1) == [two]
    numbers = [three.source_stamp_id, one.source_stamp_id]
    assert await given.changes.changes_of(numbers) == [one, three]
    assert await given.changes.changes_of([]) == []
    stamps = await given.changes.source_stamps([two.id])
    assert stamps[two.id].id == two.source_stamp_id
    assert stamps[two.id].stamp.revision == "1"


async def test_state_is_remembered_by_name_and_kind(given: Given) -> None:
    assert await given.state.get("s", "Nightly", "last_build", 7) == 7

    await given.state.set("s", "Nightly", "last_build", {"a": [1, None]})

    assert await given.state.get("s", "Nightly", "last_build") == {"a": [1, None]}
    assert await given.state.get("s", "Periodic", "last_build") is None
