"""Masters, builders, workers, schedulers and what they remember: on every kind of database."""

from __future__ import annotations

from store_workshop import Workshop, builder_config, segment

from chargehand.app.recovering import recover
from chargehand.config.model import ProjectConfig
from chargehand.domain.build import LogType
from chargehand.domain.buildset import NewBuildset
from chargehand.domain.change import NewChange
from chargehand.domain.result import Result
from chargehand.domain.worker import Standing, WorkerInfo
from chargehand.events.messages import (
    BuilderChanged,
    BuildFinished,
    RequestUnclaimed,
    SchedulerChanged,
    StepFinished,
    WorkerUpdated,
)
from chargehand.execution.recovery import Cause
from chargehand.resources.farm import BUILDER


async def test_builders_keep_their_identifiers_and_only_changed_ones_are_announced(
    workshop: Workshop,
) -> None:
    configs = [builder_config("b1", tags=("fast",)), builder_config("b3")]

    ids = await workshop.store.builders.sync(configs, workshop.master_id)
    changed = workshop.heard(BuilderChanged)
    await workshop.store.builders.sync(configs, workshop.master_id)

    assert ids["b1"] == workshop.builder_ids["b1"]
    assert {(event.builder.name, event.verb) for event in changed} == {
        ("b1", "update"),
        ("b2", "stopped"),
        ("b3", "started"),
    }
    assert workshop.heard() == []
    rows = await workshop.rows("builders")
    assert [row["masterids"] for row in rows] == [[workshop.master_id], [], [workshop.master_id]]
    assert [BUILDER.shown(event.builder) for event in changed if event.verb == "update"] == [
        rows[0]
    ]


async def test_builders_belong_to_projects(workshop: Workshop) -> None:
    store = workshop.store
    projects = await store.projects.sync([ProjectConfig(name="p", slug="p", description="one")])
    await store.builders.sync([builder_config("b1", project="p")], workshop.master_id)
    await store.projects.sync([])

    (row,) = await workshop.rows("builders", scope={"projectid": projects["p"]})
    assert row["name"] == "b1"
    (project,) = await workshop.rows("projects", scope={"projectname": "p"})
    assert project["active"] is False


async def test_a_worker_is_recorded_as_it_comes_and_goes(workshop: Workshop) -> None:
    store = workshop.store.workers
    info = WorkerInfo(admin="me", environ={"A": "1"})

    connected = await store.connected(workshop.worker_id, workshop.master_id, info)
    await store.connected(workshop.worker_id, workshop.master_id, info)
    await store.set_state(workshop.worker_id, Standing(paused=True, pause_reason="why"))
    gone = await store.disconnected(workshop.worker_id, workshop.master_id, "why")

    assert connected.connected_to == (workshop.master_id,)
    assert connected.info == {"admin": "me", "host": None, "access_uri": None, "version": ""}
    assert (gone.connected_to, gone.paused, gone.pause_reason) == ((), True, "why")
    assert workshop.names() == [
        "WorkerConnected",
        "WorkerConnected",
        "WorkerUpdated",
        "WorkerDisconnected",
    ]


async def test_workers_are_configured_for_builders_and_only_changed_ones_announced(
    workshop: Workshop,
) -> None:
    b1 = workshop.builder_ids["b1"]

    workers = await workshop.store.workers.sync({"w1": [b1], "w2": [b1]}, workshop.master_id)
    changed = workshop.heard(WorkerUpdated)
    await workshop.store.workers.sync({"w1": [b1], "w2": [b1]}, workshop.master_id)

    assert workers["w2"].configured_on == ((workshop.master_id, b1),)
    assert [event.worker.name for event in changed] == ["w1", "w2"]
    assert workshop.heard() == []


async def test_one_running_master_owns_a_scheduler(workshop: Workshop) -> None:
    store = workshop.store
    ids = await store.schedulers.ids(["nightly", "other"])
    other = await store.masters.start("there:/master")

    ours = await store.schedulers.activate([ids["nightly"]], workshop.master_id)
    theirs = await store.schedulers.activate(list(ids.values()), other)
    await store.masters.stop(workshop.master_id)
    taken_over = await store.schedulers.activate(list(ids.values()), other)

    assert ours == {ids["nightly"]}
    assert theirs == {ids["other"]}
    assert taken_over == set(ids.values())
    (row,) = await workshop.rows("schedulers", scope={"schedulerid": ids["nightly"]})
    assert row["master"]["name"] == "there:/master"


async def test_a_change_source_runs_on_one_master(workshop: Workshop) -> None:
    store = workshop.store
    ids = await store.change_sources.ids(["poller"])
    other = await store.masters.start("there:/master")

    assert await store.change_sources.activate([ids["poller"]], workshop.master_id)
    assert not await store.change_sources.activate([ids["poller"]], other)
    await store.change_sources.deactivate(workshop.master_id)
    assert await store.change_sources.activate([ids["poller"]], other)


async def test_schedulers_remember_what_they_are_told(workshop: Workshop) -> None:
    store = workshop.store.schedulers
    scheduler = (await store.ids(["s"]))["s"]
    changes = await workshop.store.changes.add(
        [NewChange(author="a", revision=str(number)) for number in range(4)]
    )
    ids = [change.id for change in changes]

    await store.classify(scheduler, {ids[0]: True, ids[1]: False, ids[2]: True})
    await store.classify(scheduler, {ids[1]: True})
    await store.flush(scheduler, [ids[0]])
    remembered = await store.classified(scheduler)
    new = NewBuildset(
        builder_ids=(workshop.builder_ids["b1"],),
        source_stamps=(changes[1].source_stamp_id,),
        reason="changed",
        scheduler="s",
    )
    await store.submit_and_flush(scheduler, new, [ids[1]])
    await store.submit_and_flush(scheduler, new, [])
    seen = await store.last_seen_changes([scheduler])
    await store.saw_changes({scheduler: ids[3]})
    await store.saw_changes({scheduler: ids[2]})

    assert remembered == {ids[1]: True, ids[2]: True}
    assert await store.classified(scheduler) == {ids[2]: True}
    assert seen == {scheduler: ids[2]}
    assert await store.last_seen_changes([scheduler]) == {scheduler: ids[3]}
    assert len(await workshop.rows("buildrequests")) == 2


async def test_a_scheduler_is_disabled_and_enabled(workshop: Workshop) -> None:
    store = workshop.store.schedulers
    scheduler = (await store.ids(["s"]))["s"]
    assert [event.verb for event in workshop.heard(SchedulerChanged)] == ["created"]

    await store.set_enabled(scheduler, False)

    (event,) = workshop.heard(SchedulerChanged)
    assert (event.verb, event.scheduler.enabled) == ("updated", False)
    assert await store.enabled([scheduler]) == {scheduler: False}


async def test_components_remember_values_by_name(workshop: Workshop) -> None:
    state = workshop.store.state

    await state.set("poller", "GitPoller", "lastRev", {"main": "abc"})
    await state.set("poller", "GitPoller", "lastRev", {"main": "def"})
    await state.set("poller", "GitPoller", "none", None)

    assert await state.get("poller", "GitPoller", "lastRev") == {"main": "def"}
    assert await state.get("poller", "GitPoller", "none", 7) is None
    assert await state.get("poller", "GitPoller", "other", 7) == 7


async def _recover(workshop: Workshop, cause: Cause) -> int:
    return await recover(workshop.store.masters, workshop.master_id, cause)


async def test_a_master_is_told_of_once_it_is_ready(workshop: Workshop) -> None:
    workshop.heard()

    other = await workshop.store.masters.start("there:/master")
    assert workshop.names() == []

    await workshop.store.masters.tell_started(other)
    assert workshop.names() == ["MasterStarted"]


async def test_what_a_killed_master_left_is_put_right(workshop: Workshop) -> None:
    store = workshop.store
    submitted = await workshop.submit()
    merged = (await workshop.submit()).requests[0].request.id
    build = await workshop.start(submitted.requests[0].request.id, merged)
    step = await workshop.step(build)
    log = await store.logs.open(step.id, "stdio", "stdio", LogType.STDIO)
    await store.logs.append(log.id, segment(b"oone\n"))
    await store.workers.connected(workshop.worker_id, workshop.master_id, WorkerInfo())
    workshop.heard()

    await store.masters.start("here:/master")
    assert await _recover(workshop, Cause.KILLED) == 1

    assert workshop.names() == [
        "WorkerDisconnected",
        "LogFinished",
        "StepFinished",
        "BuildFinished",
        "RequestUnclaimed",
        "RequestUnclaimed",
    ]
    waiting = await store.requests.pending([workshop.builder_ids["b1"]])
    assert [one.request.id for one in waiting] == [
        submitted.requests[0].request.id,
        merged,
    ]
    (row,) = await workshop.rows("builds")
    assert (row["complete"], row["results"]) == (True, Result.RETRY)
    assert row["state_string"] == 'the master was killed during "shell"; retrying'
    assert await _recover(workshop, Cause.KILLED) == 0


async def test_a_master_that_is_silent_is_declared_stopped(workshop: Workshop) -> None:
    store = workshop.store
    build = await workshop.build()
    await workshop.step(build)
    other = await store.masters.start("there:/master")
    workshop.clock.seconds += 100
    await store.masters.touch(other)
    workshop.heard()

    signs = await store.masters.signs_of_life()
    assert signs.keys() == {workshop.master_id, other}
    stopped = await store.masters.expire({workshop.master_id: signs[workshop.master_id]})

    assert stopped == await store.masters.with_leftovers() == [workshop.master_id]
    await _recover(workshop, Cause.SILENT)
    events = workshop.heard(StepFinished, BuildFinished, RequestUnclaimed)
    assert len(events) == 3
    active = {row["masterid"]: row["active"] for row in await workshop.rows("masters")}
    assert active == {workshop.master_id: False, other: True}
