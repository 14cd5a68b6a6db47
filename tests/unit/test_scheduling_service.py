"""Changes, times and forms become buildsets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from chargehand.config.model import Component
from chargehand.domain.change import Change, NewChange
from chargehand.domain.identifiers import MasterId
from chargehand.domain.outages import TemporarilyUnavailable
from chargehand.events.bus import Bus
from chargehand.scheduling import on_change, periodic
from chargehand.scheduling.behaviour import Common
from chargehand.scheduling.change_filter import ChangeFilter, exactly
from chargehand.scheduling.errors import SchedulerElsewhere
from chargehand.scheduling.rules import Codebase
from chargehand.scheduling.service import Scheduling
from chargehand.scheduling.submitting import Targets
from chargehand.scheduling.timed import Actions
from chargehand.testing.intake import MemoryStateStore
from chargehand.testing.scheduling_stores import (
    LoopClock,
    MemoryBuilders,
    MemoryBuildsets,
    MemoryChanges,
    MemorySchedulers,
)

pytestmark = [pytest.mark.looptime(end=10_000)]


@dataclass
class World:
    """Stores that outlive the service, which may be started again."""

    bus: Bus = field(default_factory=Bus)
    running: list[Scheduling] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.changes = MemoryChanges(self.bus)
        self.buildsets = MemoryBuildsets(self.bus, self.changes)
        self.schedulers = MemorySchedulers(self.bus, self.buildsets)
        self.state = MemoryStateStore()
        self.builders = MemoryBuilders(["one", "two"])

    async def start(self, *components: Component, master: int = 1) -> Scheduling:
        service = Scheduling(
            buildsets=self.buildsets,
            schedulers=self.schedulers,
            changes=self.changes,
            state=self.state,
            builders=self.builders,
            bus=self.bus,
            clock=LoopClock(),
            master_id=MasterId(master),
        )
        await service.start(components)
        self.running.append(service)
        return service

    async def stop(self, service: Scheduling) -> None:
        self.running.remove(service)
        await service.stop()

    def change(self, **fields: Any) -> Change:
        return self.changes.add(NewChange(author="me", **{"branch": "main", **fields}))


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    yield world
    for service in list(world.running):
        await world.stop(service)


async def settle() -> None:
    """Let everything happen that can happen now."""
    for _ in range(20):
        await asyncio.sleep(0)


async def not_in_comments(change: Change) -> bool:
    return "docs" not in change.comments


def on_changes(name: str = "s", **options: Any) -> Component:
    targets = Targets(
        builder_names=options.pop("builders", ("one",)),
        codebases=options.pop("codebases", {"": Codebase()}),
        properties=options.pop("properties", {}),
    )
    common = Common(class_name="SingleBranchScheduler", targets=targets)
    settings = on_change.Settings(common=common, reason="because", **options)
    return Component(name=name, settings=settings, identity=(name, repr(options)))


async def test_an_important_change_is_built_at_once_without_a_timer(world: World) -> None:
    await world.start(on_changes(properties={"p": (1, "Scheduler")}, builders=("one", "two")))

    change = world.change(revision="abc", properties={"q": (2, "Change")})
    (buildset,) = await world.buildsets.wait_for(1)

    assert buildset.source_stamps == (change.source_stamp_id,)
    assert buildset.builder_ids == (1, 2)
    assert buildset.reason == "because"
    assert buildset.properties == {
        "p": (1, "Scheduler"),
        "q": (2, "Change"),
        "scheduler": ("s", "Scheduler"),
    }


async def test_an_unimportant_change_alone_builds_nothing(world: World) -> None:
    await world.start(on_changes(is_important=not_in_comments))

    world.change(comments="docs")
    await settle()

    assert world.buildsets.submitted == []


async def test_changes_that_the_filter_refuses_are_not_built(world: World) -> None:
    await world.start(on_changes(wanted=ChangeFilter(fields=(exactly("branch", "main"),))))

    world.change(branch="other")
    world.change(branch="main", revision="2")
    (buildset,) = await world.buildsets.wait_for(1)

    assert world.buildsets.stamps_of(buildset)[0].revision == "2"


async def test_changes_of_a_codebase_that_the_scheduler_does_not_process_are_ignored(
    world: World,
) -> None:
    await world.start(on_changes(codebases={"lib": Codebase()}))

    world.change(codebase="")
    await settle()

    assert world.buildsets.submitted == []


async def test_each_codebase_has_the_newest_change_or_its_default(world: World) -> None:
    codebases = {"lib": Codebase(), "app": Codebase(repository="r", branch="b", revision="x")}
    await world.start(on_changes(codebases=codebases, stable_seconds=5.0))

    world.change(codebase="lib", revision="1")
    world.change(codebase="lib", revision="2")
    (buildset,) = await world.buildsets.wait_for(1)

    found = {s.codebase: (s.repository, s.revision) for s in world.buildsets.stamps_of(buildset)}
    assert found == {"app": ("r", "x"), "lib": ("", "2")}


async def test_the_timer_begins_anew_with_each_change_even_an_unimportant_one(world: World) -> None:
    loop = asyncio.get_running_loop()
    await world.start(on_changes(is_important=not_in_comments, stable_seconds=5.0))
    begun = loop.time()

    world.change(revision="1")
    await asyncio.sleep(4)
    world.change(revision="2", comments="docs")
    (buildset,) = await world.buildsets.wait_for(1)

    assert loop.time() - begun == pytest.approx(9.0)
    assert world.buildsets.stamps_of(buildset)[0].revision == "2"


async def test_unimportant_changes_do_not_start_the_timer(world: World) -> None:
    await world.start(on_changes(is_important=not_in_comments, stable_seconds=5.0))

    world.change(comments="docs")
    await asyncio.sleep(60)

    assert world.buildsets.submitted == []


async def test_each_branch_has_a_timer_of_its_own_where_asked_for(world: World) -> None:
    await world.start(on_changes(stable_seconds=5.0, timer_per_branch=True))

    world.change(branch="a", revision="1")
    await asyncio.sleep(3)
    world.change(branch="b", revision="2")
    world.change(branch="a", project="p", revision="3")
    await asyncio.sleep(3)
    assert len(world.buildsets.submitted) == 1
    buildsets = await world.buildsets.wait_for(3)

    revisions = [world.buildsets.stamps_of(buildset)[0].revision for buildset in buildsets]
    assert sorted(map(str, revisions)) == ["1", "2", "3"]


async def test_what_waits_for_the_timer_survives_a_restart(world: World) -> None:
    first = await world.start(on_changes(stable_seconds=5.0))
    world.change(revision="1")
    await asyncio.sleep(1)
    await world.stop(first)

    await world.start(on_changes(stable_seconds=5.0))
    await asyncio.sleep(60)

    (buildset,) = world.buildsets.submitted
    assert world.buildsets.stamps_of(buildset)[0].revision == "1"


async def test_a_change_that_came_while_the_master_was_down_is_built_once(world: World) -> None:
    first = await world.start(on_changes())
    world.change(revision="1")
    await world.buildsets.wait_for(1)
    await world.stop(first)
    world.change(revision="2")

    second = await world.start(on_changes())
    await world.buildsets.wait_for(2)
    await world.stop(second)
    await world.start(on_changes())
    await settle()

    revisions = [world.buildsets.stamps_of(b)[0].revision for b in world.buildsets.submitted]
    assert revisions == ["1", "2"]


async def test_a_new_scheduler_does_not_build_old_changes(world: World) -> None:
    world.change()

    await world.start(on_changes())
    await settle()

    assert world.buildsets.submitted == []


async def test_a_disabled_scheduler_builds_nothing_until_it_is_enabled(world: World) -> None:
    service = await world.start(on_changes())
    (number,) = (await world.schedulers.ids(["s"])).values()

    await service.set_enabled(number, False)
    world.change(revision="1")
    await settle()
    await service.set_enabled(number, True)
    world.change(revision="2")
    (buildset,) = await world.buildsets.wait_for(1)

    assert world.buildsets.stamps_of(buildset)[0].revision == "2"


async def test_a_scheduler_is_active_at_one_master_only(world: World) -> None:
    first = await world.start(on_changes(), master=1)
    second = await world.start(on_changes(), master=2)

    world.change()
    await settle()

    assert list(first.running()) == ["s"]
    assert list(second.running()) == []
    assert len(world.buildsets.submitted) == 1


async def test_another_master_takes_over_what_a_stopped_one_had(world: World) -> None:
    first = await world.start(on_changes(), master=1)
    second = await world.start(on_changes(), master=2)
    await world.stop(first)
    world.change()

    await asyncio.sleep(61)

    assert list(second.running()) == ["s"]
    assert len(world.buildsets.submitted) == 1


async def test_claiming_again_stops_what_another_master_took_and_starts_what_is_free(
    world: World,
) -> None:
    first = await world.start(on_changes("a"), on_changes("b"), master=1)
    await world.schedulers.deactivate(MasterId(1))
    (taken,) = (await world.schedulers.ids(["a"])).values()
    await world.schedulers.activate([taken], MasterId(2))

    await first.claim_again()
    assert list(first.running()) == ["b"]
    assert first.elsewhere == ["a"]
    with pytest.raises(SchedulerElsewhere, match="run by another master"):
        await first.force("a", {}, "me")

    await world.schedulers.deactivate(MasterId(2))
    await first.claim_again()
    assert sorted(first.running()) == ["a", "b"]


async def test_reconfiguration_leaves_unchanged_schedulers_alone(world: World) -> None:
    service = await world.start(on_changes("kept", stable_seconds=5.0), on_changes("gone"))
    kept = service.running()["kept"]

    await service.reconfigure([on_changes("kept", stable_seconds=5.0), on_changes("new")])

    assert service.running()["kept"] is kept
    assert sorted(service.running()) == ["kept", "new"]


async def test_a_function_that_fails_does_not_keep_later_changes_from_being_built(
    world: World,
) -> None:
    async def is_important(change: Change) -> bool:
        if change.revision == "1":
            raise ValueError("no")
        return True

    await world.start(on_changes(is_important=is_important))

    world.change(revision="1")
    world.change(revision="2")
    (buildset,) = await world.buildsets.wait_for(1)

    assert world.buildsets.stamps_of(buildset)[0].revision == "2"


async def test_a_change_whose_buildset_cannot_be_stored_is_built_later(world: World) -> None:
    await world.start(on_changes())
    store = world.schedulers.submit_and_flush
    failures = [OSError("database is locked"), OSError("database is locked")]

    async def fails(*arguments):
        if failures:
            raise failures.pop()
        return await store(*arguments)

    world.schedulers.submit_and_flush = fails
    world.change(revision="1")

    (buildset,) = await world.buildsets.wait_for(1)

    assert world.buildsets.stamps_of(buildset)[0].revision == "1"
    assert not failures


async def test_a_scheduler_that_an_outage_keeps_from_starting_starts_afterwards(
    world: World, caplog
) -> None:
    flush = world.schedulers.classified
    failures = [TemporarilyUnavailable("the server is down")]

    async def fails(*arguments):
        if failures:
            raise failures.pop()
        return await flush(*arguments)

    world.schedulers.classified = fails
    service = await world.start(on_changes())
    assert service.running() == {}
    world.change(revision="1")

    await asyncio.sleep(61)
    (buildset,) = await world.buildsets.wait_for(1)

    assert world.buildsets.stamps_of(buildset)[0].revision == "1"
    assert "the server is down" in caplog.text
    assert "Traceback" not in caplog.text


async def test_a_change_whose_buildset_cannot_be_stored_is_built_after_a_restart(
    world: World,
) -> None:
    service = await world.start(on_changes())
    store = world.schedulers.submit_and_flush

    async def fails(*_):
        raise OSError("database is locked")

    world.schedulers.submit_and_flush = fails
    world.change(revision="1")
    await settle()
    await world.stop(service)
    world.schedulers.submit_and_flush = store

    await world.start(on_changes())
    (buildset,) = await world.buildsets.wait_for(1)

    assert world.buildsets.stamps_of(buildset)[0].revision == "1"


async def test_a_scheduler_whose_next_time_fails_once_goes_on(world: World) -> None:
    failures = [ValueError("no idea")]

    class FailsOnce:
        def __init__(self, default: Actions) -> None:
            self.start_build = default.start_build

        async def next_time(self, last: float | None) -> float:
            if failures:
                raise failures.pop()
            return (last or 0.0) + 1000.0

    targets = Targets(builder_names=("one",), codebases={"": Codebase()})
    common = Common(class_name="Periodic", targets=targets)
    settings = periodic.Settings(common=common, reason="time", seconds=1000.0, actions=FailsOnce)
    await world.start(Component(name="p", settings=settings, identity=1))

    assert await world.buildsets.wait_for(1)
