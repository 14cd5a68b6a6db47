"""What scheduling needs of a store: the fake and the real one keep the same promises."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from chargehand.config.model import BuilderConfig
from chargehand.domain.buildset import NewBuildset
from chargehand.domain.change import Change, NewChange
from chargehand.domain.identifiers import BuilderId, MasterId, SchedulerId
from chargehand.domain.source_stamp import SourceStamp
from chargehand.events.bus import Bus
from chargehand.events.messages import BuildsetSubmitted, Event, RequestSubmitted, SchedulerChanged
from chargehand.scheduling.ports import ChangeStore, SchedulerStore, StateStore
from chargehand.store.store import Store
from chargehand.testing.scheduling_stores import (
    MemoryBuildsets,
    MemoryChanges,
    MemorySchedulers,
    MemoryState,
)


@dataclass
class Given:
    schedulers: SchedulerStore
    changes: ChangeStore
    state: StateStore
    masters: tuple[MasterId, MasterId]
    builder_id: BuilderId
    add: Any
    events: list[Event]

    async def scheduler(self, name: str = "s") -> SchedulerId:
        return (await self.schedulers.ids([name]))[name]

    async def change(self, **fields: Any) -> Change:
        found: Change = await self.add(NewChange(author="me", **{"branch": "main", **fields}))
        return found

    def buildset(self, *stamps: Any) -> NewBuildset:
        return NewBuildset(
            builder_ids=(self.builder_id,),
            source_stamps=stamps or (SourceStamp(),),
            reason="r",
            scheduler="s",
            properties={"p": (1, "Scheduler")},
        )


async def in_memory() -> Given:
    events: list[Event] = []
    bus = Bus()
    bus.subscribe(events.append, BuildsetSubmitted, RequestSubmitted, SchedulerChanged)
    changes = MemoryChanges(bus)

    async def add(change: NewChange) -> Change:
        return changes.add(change)

    return Given(
        schedulers=MemorySchedulers(bus, MemoryBuildsets(bus, changes)),
        changes=changes,
        state=MemoryState(),
        masters=(MasterId(1), MasterId(2)),
        builder_id=BuilderId(1),
        add=add,
        events=events,
    )


async def in_sqlite(store: Store, events: list[Event]) -> Given:
    await store.open()
    first, second = await store.masters.start("m"), await store.masters.start("n")
    config = BuilderConfig(
        name="one", worker_names=("w",), plan=None, builddir="b", worker_builddir="b"
    )
    ids = await store.builders.sync([config], first)

    async def add(change: NewChange) -> Change:
        return (await store.changes.add([change]))[0]

    return Given(
        schedulers=store.schedulers,
        changes=store.changes,
        state=store.state,
        masters=(first, second),
        builder_id=ids["one"],
        add=add,
        events=events,
    )


@pytest.fixture(params=["memory", "sqlite"])
async def given(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Given]:
    if request.param == "memory":
        yield await in_memory()
        return
    events: list[Event] = []
    store = Store(url="sqlite:///state.sqlite", basedir=tmp_path, publish=events.extend)
    yield await in_sqlite(store, events)
    await store.close()


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
    assert told[-1].resource["schedulerid"] == number
    assert told[-1].resource["enabled"] is False


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
    assert [type(event) for event in given.events] == [BuildsetSubmitted, RequestSubmitted]


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
    stamps = await given.changes.source_stamps([two.id])
    assert stamps[two.id].id == two.source_stamp_id
    assert stamps[two.id].stamp.revision == "1"


async def test_state_is_remembered_by_name_and_kind(given: Given) -> None:
    assert await given.state.get("s", "Nightly", "last_build", 7) == 7

    await given.state.set("s", "Nightly", "last_build", {"a": [1, None]})

    assert await given.state.get("s", "Nightly", "last_build") == {"a": [1, None]}
    assert await given.state.get("s", "Periodic", "last_build") is None
