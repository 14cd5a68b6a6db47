"""Old data is deleted in small pieces, and nothing else is."""

from __future__ import annotations

from store_workshop import Workshop, segment

from chargehand.domain.build import LogType
from chargehand.domain.change import NewChange
from chargehand.domain.identifiers import LogId
from chargehand.domain.result import Result
from chargehand.store.retention import Retention

_DAY = 86_400.0


async def _build_with_logs(workshop: Workshop, *, ends: bool = True) -> list[LogId]:
    build = await workshop.build()
    step = await workshop.step(build)
    found = []
    for name in ("stdio", "warnings"):
        log = await workshop.store.logs.open(step.id, name, name, LogType.STDIO)
        await workshop.store.logs.append(log.id, segment(b"oone\n"))
        found.append(log.id)
        if ends:
            await workshop.store.logs.finish(log.id)
    if ends:
        workshop.store.steps.finish_step(step, Result.SUCCESS, "", False)
        await workshop.store.builds.finish_build(build, Result.SUCCESS, "", [build.request_id])
    await workshop.recorded()
    return found


def _in_batches_of(count: int, workshop: Workshop) -> None:
    store = workshop.store
    store.retention = Retention(
        database=store.database, logs=store.logs, state=store.state, batch=count
    )


async def _deleted(workshop: Workshop, *, days: float) -> list[int]:
    before = workshop.clock.seconds - days * _DAY
    batches = workshop.store.retention.delete_logs(before, workshop.master_id)
    return [batch.count async for batch in batches]


async def _left(workshop: Workshop) -> set[LogId]:
    return {LogId(row["logid"]) for row in await workshop.rows("logs") if row["type"] != "d"}


async def test_texts_of_builds_older_than_the_horizon_are_deleted(workshop: Workshop) -> None:
    runs_on = await _build_with_logs(workshop, ends=False)
    old = await _build_with_logs(workshop)
    workshop.clock.seconds += 10 * _DAY
    new = await _build_with_logs(workshop)
    await workshop.recorded()

    assert await _deleted(workshop, days=20) == []
    assert await _deleted(workshop, days=5) == [2]

    assert await _left(workshop) == {*runs_on, *new}
    assert (await workshop.store.logs.lines(old[0], 0, None)).startswith(b"[deleted")
    assert await workshop.store.logs.lines(new[0], 0, None) == b"oone\n"
    assert await _deleted(workshop, days=5) == []
    workshop.clock.seconds += 10 * _DAY
    assert await _deleted(workshop, days=5) == [2]


async def test_many_are_deleted_in_bounded_batches(workshop: Workshop) -> None:
    _in_batches_of(3, workshop)
    for _ in range(4):
        await _build_with_logs(workshop)
    workshop.clock.seconds += 10 * _DAY

    batches = workshop.store.retention.delete_logs(workshop.clock.seconds, workshop.master_id)
    first = await anext(batches)
    assert (first.count, first.size) == (3, 15)
    assert len(await _left(workshop)) == 5

    assert await _deleted(workshop, days=1) == [3, 2]
    assert await _left(workshop) == set()


async def test_the_newest_changes_are_kept(workshop: Workshop) -> None:
    _in_batches_of(2, workshop)
    changes = workshop.store.changes
    added = await changes.add([NewChange(author=str(number)) for number in range(6)])
    assert [number async for number in workshop.store.retention.delete_changes(6)] == []

    assert [number async for number in workshop.store.retention.delete_changes(3)] == [2, 1]

    assert await changes.changes([one.id for one in added]) == added[3:]
    assert [number async for number in workshop.store.retention.delete_changes(3)] == []
