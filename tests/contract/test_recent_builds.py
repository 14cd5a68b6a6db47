"""Builders with their recent builds: as the database has them, whoever wrote it last."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from store_workshop import Workshop, builder_config

from chargehand.domain.build import Build
from chargehand.domain.result import Result
from chargehand.resources.query import Order, Query
from chargehand.resources.visibility import EVERYTHING, Visibility, only
from chargehand.store.history import history as history_module
from chargehand.store.history.history import History
from chargehand.store.history.memory import DAY
from chargehand.store.reading.resources import Resources


async def _builders(workshop: Workshop, recent: int = 5, **options: Any) -> list[dict[str, Any]]:
    await workshop.recorded()
    query = Query(
        kind="builders", sees=options.pop("sees", EVERYTHING), arguments={"recent": recent}
    )
    for name, value in options.items():
        query = Query(**{**_fields(query), name: value})
    return (await workshop.store.visited_resources.fetch(query)).rows


def _fields(query: Query) -> dict[str, Any]:
    return {name: getattr(query, name) for name in query.__struct_fields__}


async def _end(workshop: Workshop, build: Build, result: Result, seconds: float = 60) -> Build:
    workshop.clock.seconds += seconds
    return await workshop.store.builds.finish_build(build, result, result.word, [build.request_id])


async def test_a_builder_shows_its_newest_builds_and_what_waits_and_runs(
    workshop: Workshop,
) -> None:
    first = await workshop.build()
    assert [one["results"] for one in (await _builders(workshop))[0]["recent_builds"]] == [None]
    await _end(workshop, first, Result.FAILURE, seconds=60)
    await _end(workshop, await workshop.build(), Result.SUCCESS, seconds=30)
    await _end(workshop, await workshop.build(), Result.CANCELLED, seconds=10)
    running = await workshop.build()
    await workshop.submit("b1")
    await workshop.submit("b2")

    b1, b2 = await _builders(workshop, recent=3)

    assert b1["recent_builds"][0] == {
        "buildid": running.id,
        "number": 4,
        "results": None,
        "started_at": int(running.started_at),
        "complete_at": None,
    }
    assert [one["results"] for one in b1["recent_builds"]] == [None, Result.CANCELLED, 0]
    assert (b1["pending_count"], b1["running_count"]) == (1, 1)
    assert b1["statistics"] == {"builds": 2, "success_rate": 0.5, "median_seconds": 45.0}
    assert (b2["recent_builds"], b2["pending_count"], b2["running_count"]) == ([], 1, 0)
    assert b2["statistics"] == {"builds": 0, "success_rate": None, "median_seconds": None}


async def test_what_happens_between_two_questions_is_in_the_second_answer(
    workshop: Workshop,
) -> None:
    fresh = Resources(database=workshop.store.database)
    builds: list[Build] = []
    for number in range(8):
        if number % 3 == 2:
            await _end(workshop, builds[-1], Result(number % 5))
        builds.append(await workshop.build("b1" if number % 2 else "b2"))
        query = Query(kind="builders", sees=EVERYTHING, arguments={"recent": 50})
        await workshop.recorded()

        kept = await workshop.store.visited_resources.fetch(query)

        assert kept.rows == (await Resources(database=workshop.store.database).fetch(query)).rows
        assert kept.rows == (await fresh.fetch(query)).rows


async def test_statistics_are_about_thirty_days_and_strips_are_not(workshop: Workshop) -> None:
    old = await _end(workshop, await workshop.build(), Result.FAILURE)
    workshop.clock.seconds += 29 * DAY
    assert (await _builders(workshop))[0]["statistics"]["builds"] == 1
    workshop.clock.seconds += 2 * DAY

    (after, _) = await _builders(workshop)
    query = Query(kind="builders", sees=EVERYTHING, arguments={"recent": 5})
    (read_anew, _) = (await Resources(database=workshop.store.database).fetch(query)).rows

    assert after == read_anew
    assert after["statistics"]["builds"] == 0
    assert [one["buildid"] for one in after["recent_builds"]] == [old.id]


async def test_a_strip_has_the_last_ones_of_many_builds(workshop: Workshop) -> None:
    for _ in range(55):
        await _end(workshop, await workshop.build(), Result.SUCCESS, seconds=2 * DAY)

    query = Query(kind="builders", sees=EVERYTHING, arguments={"recent": 50})
    (b1, _) = (await Resources(database=workshop.store.database).fetch(query)).rows

    assert [one["number"] for one in b1["recent_builds"]] == list(range(55, 5, -1))
    assert b1["statistics"]["builds"] == 15


async def test_fields_order_and_limit_work_as_without_recent_builds(workshop: Workshop) -> None:
    await workshop.build("b2")

    (row,) = await _builders(
        workshop, fields=("name",), order=(Order("name", descending=True),), limit=1
    )

    assert row["name"] == "b2"
    assert "builderid" not in row
    assert len(row["recent_builds"]) == 1


async def test_who_does_not_see_a_builder_sees_none_of_its_builds(workshop: Workshop) -> None:
    await workshop.build("b1")
    await workshop.build("b2")
    await workshop.submit("b1")

    (row,) = await _builders(workshop, sees=Visibility(builders=only("b2")))

    assert row["name"] == "b2"
    assert len(row["recent_builds"]) == 1
    assert row["pending_count"] == 0


@pytest.mark.parametrize("is_last", [True, False])
async def test_a_retried_build_is_shown_and_not_counted(workshop: Workshop, is_last: bool) -> None:
    build = await workshop.build()
    await _builders(workshop)
    await _end(workshop, build, Result.RETRY)
    if not is_last:
        await workshop.start(build.request_id)

    (b1, _) = await _builders(workshop)

    assert b1["recent_builds"][-1]["results"] == Result.RETRY
    assert b1["statistics"]["builds"] == 0
    assert b1["running_count"] == (0 if is_last else 1)


async def test_an_answer_is_kept_until_a_build_begins(workshop: Workshop) -> None:
    query = Query(kind="builders", sees=EVERYTHING, arguments={"recent": 5})
    resources = workshop.store.visited_resources
    page = await resources.fetch(query)
    assert page.basis is not None
    assert resources.is_current(page.basis)

    await workshop.build()

    assert not resources.is_current(page.basis)


async def test_a_new_builder_is_there_with_nothing(workshop: Workshop) -> None:
    await _builders(workshop)
    await workshop.store.builders.sync([builder_config("b9")], workshop.master_id)

    rows = await _builders(workshop)

    assert rows[-1]["name"] == "b9"
    assert rows[-1]["recent_builds"] == []


async def test_what_was_read_ahead_is_not_read_again(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("_AFTER_START", 0), ("_PAUSE", 0), ("_FEW", 2)):
        monkeypatch.setattr(history_module, name, value)
    for seconds in range(1, 8):
        await _end(workshop, await workshop.build(), Result.SUCCESS, seconds=seconds)
    read: list[int] = []
    part = History._read_earlier

    def counted(self: History, first: int, slice_: int, connection: Any) -> None:
        read.append(slice_)
        part(self, first, slice_, connection)

    monkeypatch.setattr(History, "_read_earlier", counted)
    ahead = asyncio.create_task(workshop.store.history.read_ahead())
    while not read:
        await asyncio.sleep(0)
    while_reading = await _builders(workshop, recent=10)
    await ahead
    assert read[0] == 2
    read.clear()
    afterwards = await _builders(workshop, recent=10)

    assert read == []
    assert while_reading == afterwards
    assert [one["number"] for one in afterwards[0]["recent_builds"]] == [7, 6, 5, 4, 3, 2, 1]
    assert afterwards[0]["statistics"] == {
        "builds": 7,
        "success_rate": 1.0,
        "median_seconds": 4.0,
    }
