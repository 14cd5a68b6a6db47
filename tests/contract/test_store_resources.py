"""Resources as the REST API has them: filters, order, pages, and every way that a path leads."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, text
from store_workshop import Workshop, builder_config
from waiting import PATIENCE

from chargehand.domain.build import LogType
from chargehand.domain.change import NewChange
from chargehand.domain.result import Result
from chargehand.domain.source_stamp import Patch, SourceStamp
from chargehand.domain.worker import WorkerInfo
from chargehand.events.messages import Event
from chargehand.resources.catalog import KINDS
from chargehand.resources.endpoints import ENDPOINTS
from chargehand.resources.query import Filter, Operator, Order, Query
from chargehand.resources.visibility import EVERYTHING, Choice, Visibility, all_but, only
from chargehand.store.engine import tables
from chargehand.store.engine.database import Database, Lane
from chargehand.store.reading.resources import KINDS as STORED

_NOT_IN_THE_STORE = {
    "actions",
    "configured_builders",
    "etas",
    "failures",
    "first_errors",
    "forceschedulers",
    "logchunks",
    "matches",
    "refused_logins",
    "rootlinks",
    "specs",
    "waiting_groups",
    "why",
}


_MANY = tuple(f"other-{number}" for number in range(200))


def _filter(field: str, operator: Operator, *values: Any) -> tuple[Filter, ...]:
    return (Filter(field, operator, values),)


async def _history(workshop: Workshop, *results: Result) -> list[int]:
    """Finish builds of b1, a minute and a fraction of a second each."""
    ids = []
    for result in results:
        build = await workshop.build()
        workshop.clock.seconds += 60.5
        finished = await workshop.store.builds.finish_build(
            build, result, result.word, [build.request_id]
        )
        ids.append(finished.id)
    return ids


@pytest.mark.parametrize("kind", sorted(set(KINDS) - _NOT_IN_THE_STORE - {"properties"}))
async def test_every_kind_answers_with_every_field(workshop: Workshop, kind: str) -> None:
    scope: dict[str, Any] = {}
    if kind == "commit_graphs":
        scope = {"codebaseid": 1, "commitid1": 1, "commitid2": 1}
    elif kind == "_properties":
        scope = {"buildid": 1}

    page = await workshop.store.resources.fetch(Query(sees=EVERYTHING, kind=kind, scope=scope))

    for row in page.rows:
        assert set(row) == set(KINDS[kind].types())


@pytest.mark.parametrize(
    "sees",
    [
        EVERYTHING,
        Visibility(builders=only("b1"), tags=all_but("x")),
        Visibility(projects=all_but("p"), workers=all_but("w1"), tags=only("x")),
        Visibility(builders=only("b1", *_MANY), workers=all_but(*_MANY), projects=all_but(*_MANY)),
        Visibility(builders=all_but("b1", *_MANY), workers=only("w1", *_MANY)),
    ],
    ids=["everything", "few builders", "no worker", "many builders", "many hidden"],
)
async def test_every_path_of_the_api_can_be_asked_for(workshop: Workshop, sees: Visibility) -> None:
    await _history(workshop, Result.SUCCESS)

    for endpoint in ENDPOINTS:
        if endpoint.kind in _NOT_IN_THE_STORE:
            continue
        scope: dict[str, Any] = {}
        for placeholder in (part for part in endpoint.path.split("/") if ":" in part):
            letter, _, name = placeholder.partition(":")
            scope[name] = 1 if letter == "n" else "b1"
        page = await workshop.store.resources.fetch(
            Query(sees=sees, kind=endpoint.kind, scope=scope)
        )
        assert page.total >= len(page.rows)
        if len(sees.builders.names) > 100 and set(scope) & {"buildid", "builderid", "workerid"}:
            # Many names are looked up in another way: the rows are those that few let see.
            few = Visibility(
                builders=Choice(sees.builders.names & {"b1"}, sees.builders.is_exclusion),
                workers=Choice(sees.workers.names & {"w1"}, sees.workers.is_exclusion),
            )
            query = Query(sees=few, kind=endpoint.kind, scope=scope)
            assert page.rows == (await workshop.store.resources.fetch(query)).rows, endpoint.path


async def test_only_what_is_seen_is_found_and_counted(workshop: Workshop) -> None:
    await _history(workshop, Result.SUCCESS, Result.FAILURE)
    await workshop.submit("b2")
    fetch = workshop.store.resources.fetch
    other = Visibility(builders=only("b2"))
    no_worker = Visibility(workers=only())

    counted = await fetch(Query(kind="builds", sees=other, limit=1))
    requests = await fetch(Query(kind="buildrequests", sees=other, limit=1))
    builds = await fetch(Query(kind="builds", sees=no_worker, fields=("buildid", "workerid")))
    of_worker = await fetch(Query(kind="builds", sees=no_worker, scope={"workerid": 1}))

    assert (counted.rows, counted.total) == ([], 0)
    assert requests.total == 1
    assert builds.rows == [{"buildid": number, "workerid": None} for number in (1, 2)]
    assert of_worker.total == 0
    assert (await fetch(Query(kind="builds", sees=EVERYTHING, limit=1))).total == 2


async def test_builds_are_found_by_all_their_paths(workshop: Workshop) -> None:
    (change,) = await workshop.store.changes.add([NewChange(author="a", revision="1")])
    build = await workshop.build(stamps=[change.source_stamp_id])
    builder = workshop.builder_ids["b1"]

    for scope in (
        {"buildid": build.id},
        {"builderid": builder, "build_number": 1},
        {"buildername": "b1", "build_number": 1},
        {"buildername": "b1"},
        {"buildrequestid": build.request_id},
        {"changeid": change.id},
        {"workerid": workshop.worker_id},
    ):
        assert [row["buildid"] for row in await workshop.rows("builds", scope=scope)] == [1], scope
    for scope in ({"buildid": 9}, {"buildername": "b2", "build_number": 1}, {"changeid": 9}):
        assert await workshop.rows("builds", scope=scope) == []


async def test_steps_and_logs_are_found_by_all_their_paths(workshop: Workshop) -> None:
    await workshop.step(await workshop.build("b2"))
    build = await workshop.build("b1")
    await workshop.step(build, "first")
    step = await workshop.step(build, "second")
    log = await workshop.store.logs.open(step.id, "a log", "slug", LogType.HTML)
    of_build = (
        {"buildid": build.id},
        {"builderid": workshop.builder_ids["b1"], "build_number": 1},
        {"buildername": "b1", "build_number": 1},
    )

    for scope in of_build:
        names = [row["name"] for row in await workshop.rows("steps", scope=scope)]
        assert names == ["first", "second"]
        for one in ({"step_name": "second"}, {"step_number": 1}):
            (row,) = await workshop.rows("steps", scope={**scope, **one})
            assert row["stepid"] == step.id
            (row,) = await workshop.rows("logs", scope={**scope, **one, "log_slug": "slug"})
            assert row == {
                "logid": log.id,
                "name": "a log",
                "slug": "slug",
                "stepid": step.id,
                "complete": False,
                "num_lines": 0,
                "type": "h",
            }


async def test_pages_are_cut_and_counted_in_sql(workshop: Workshop) -> None:
    await _history(workshop, *[Result.SUCCESS] * 5, Result.FAILURE)
    fetch = workshop.store.resources.fetch

    page = await fetch(
        Query(
            sees=EVERYTHING,
            kind="builds",
            order=(Order("number", True),),
            limit=2,
            offset=1,
            fields=("number",),
        )
    )
    past_the_end = await fetch(Query(sees=EVERYTHING, kind="builds", offset=10))
    none = await fetch(Query(sees=EVERYTHING, kind="builds", limit=0))
    failed = await fetch(
        Query(sees=EVERYTHING, kind="builds", filters=_filter("results", Operator.EQ, 2), limit=1)
    )

    assert page.rows == [{"number": 5}, {"number": 4}]
    assert (page.total, past_the_end.total, none.total, failed.total) == (6, 6, 6, 1)


async def test_a_total_is_counted_anew_when_something_has_changed(workshop: Workshop) -> None:
    await _history(workshop, *[Result.SUCCESS] * 3)
    query = Query(sees=EVERYTHING, kind="builds", limit=1)

    first = await workshop.store.resources.fetch(query)
    await _history(workshop, Result.SUCCESS)
    second = await workshop.store.resources.fetch(query)

    assert (first.total, second.total) == (3, 4)


@pytest.mark.parametrize(
    ("field", "operator", "values", "found"),
    [
        ("results", Operator.EQ, (0, 2), [1, 2, 3]),
        ("results", Operator.NE, (0,), [2, 4]),
        ("results", Operator.NOT_IN, (0, 2), [4]),
        ("results", Operator.GE, (2,), [2]),
        ("number", Operator.LT, (3,), [1, 2]),
        ("number", Operator.LE, (3,), [1, 2, 3]),
        ("complete", Operator.EQ, (False,), [4]),
        ("complete", Operator.NE, (False,), [1, 2, 3]),
        ("complete", Operator.EQ, (True, False), [1, 2, 3, 4]),
        ("state_string", Operator.CONTAINS, ("succ",), [1, 3]),
        ("state_string", Operator.CONTAINS, ("SUCC",), []),
        ("state_string", Operator.EQ, ("failure",), [2]),
        ("started_at", Operator.EQ, (1_700_000_060,), [2]),
        ("started_at", Operator.NE, (1_700_000_060,), [1, 3, 4]),
        ("started_at", Operator.LE, (1_700_000_060,), [1, 2]),
        ("started_at", Operator.GT, (1_700_000_060,), [3, 4]),
        ("complete_at", Operator.NE, (1_700_000_060,), [2, 3, 4]),
    ],
)
async def test_filters(
    workshop: Workshop, field: str, operator: Operator, values: tuple[Any, ...], found: list[int]
) -> None:
    await _history(workshop, Result.SUCCESS, Result.FAILURE, Result.SUCCESS)
    await workshop.build()

    rows = await workshop.rows("builds", filters=_filter(field, operator, *values))

    assert [row["buildid"] for row in rows] == found


@pytest.mark.parametrize(
    ("tag", "found"),
    [('q"uote', ["b3"]), ("a", ["b1", "b3"]), ("A", []), ("uote", []), ("ü,", ["b1"]), ("", [])],
)
async def test_lists_are_searched_for_whole_elements(
    workshop: Workshop, tag: str, found: list[str]
) -> None:
    configs = [
        builder_config("b1", tags=("a", "ü,")),
        builder_config("b2", tags=("ab", 'x"a')),
        builder_config("b3", tags=('q"uote', "a")),
    ]
    await workshop.store.builders.sync(configs, workshop.master_id)

    rows = await workshop.rows("builders", filters=_filter("tags", Operator.CONTAINS, tag))

    assert [row["name"] for row in rows] == found


async def test_pages_learn_exactly_how_long_builds_and_steps_took(workshop: Workshop) -> None:
    build = await workshop.build()
    step = await workshop.step(build)
    workshop.clock.seconds += 1.25
    await workshop.store.builds.finish_build(build, Result.SUCCESS, "done", [build.request_id])

    builds = await workshop.rows("build_times", filters=_filter("buildid", Operator.IN, build.id))
    steps = await workshop.rows("step_times", filters=_filter("stepid", Operator.IN, step.id))

    assert [(row["buildid"], round(row["seconds"], 3)) for row in builds] == [(build.id, 1.25)]
    assert steps == [{"stepid": step.id, "seconds": None}]


async def test_builders_are_found_by_master_and_worker(workshop: Workshop) -> None:
    master = workshop.master_id

    by_list = await workshop.rows(
        "builders", filters=_filter("masterids", Operator.CONTAINS, master)
    )
    by_path = await workshop.rows("builders", scope={"masterid": master, "builderid": 1})
    by_worker = await workshop.rows("builders", scope={"workerid": workshop.worker_id})

    assert [len(by_list), len(by_path), len(by_worker)] == [2, 1, 2]
    assert await workshop.rows("builders", scope={"masterid": master + 1}) == []


async def test_workers_have_their_connections_and_configurations(workshop: Workshop) -> None:
    master, worker = workshop.master_id, workshop.worker_id
    await workshop.store.workers.connected(worker, master, WorkerInfo(host="h"))

    (row,) = await workshop.rows(
        "workers", scope={"name": "w1", "masterid": master, "builderid": 2}
    )

    assert row["connected_to"] == [{"masterid": master}]
    assert row["configured_on"] == [
        {"masterid": master, "builderid": builder} for builder in workshop.builder_ids.values()
    ]
    assert row["workerinfo"]["host"] == "h"


async def test_properties_are_filled_in_when_asked_for(workshop: Workshop) -> None:
    build = await workshop.build(properties={"owner": ("me", "Force")})
    workshop.store.builds.set_build_properties(build.id, {"a": (1, "x"), "b": (2, "x")})

    (none,) = await workshop.rows("builds")
    (some,) = await workshop.rows("builds", properties=("a", "missing"))
    (every,) = await workshop.rows("builds", properties=("*",))
    (request,) = await workshop.rows("buildrequests", properties=("owner",))
    (bare,) = await workshop.rows("buildrequests")

    assert (none["properties"], some["properties"]) == ({}, {"a": [1, "x"]})
    assert every["properties"] == {"a": [1, "x"], "b": [2, "x"]}
    assert (request["properties"], bare["properties"]) == ({"owner": ["me", "Force"]}, None)
    listed = await workshop.rows("_properties", scope={"buildid": build.id})
    assert listed[0] == {"name": "a", "value": "1", "source": "x"}
    of_buildset = await workshop.rows("properties", scope={"bsid": 1})
    assert of_buildset == [{"owner": ["me", "Force"]}]


async def test_source_stamps_come_with_their_patch(workshop: Workshop) -> None:
    patch = Patch(level=1, body=b"diff \xff", subdir="d", author="me", comment="c")
    await workshop.submit(
        stamps=[SourceStamp(codebase="b"), SourceStamp(codebase="a", patch=patch)]
    )

    (buildset,) = await workshop.rows("buildsets")

    assert [stamp["codebase"] for stamp in buildset["sourcestamps"]] == ["a", "b"]
    assert buildset["sourcestamps"][0]["patch"]["body"] == "diff \ufffd"
    assert buildset["sourcestamps"][1]["patch"] is None
    assert (buildset["results"], buildset["complete_at"]) == (-1, None)
    stamps = await workshop.rows("sourcestamps", scope={"buildsetid": buildset["bsid"]})
    assert sorted(stamps, key=lambda stamp: stamp["codebase"]) == buildset["sourcestamps"]


async def test_a_build_has_the_changes_since_the_last_good_one(workshop: Workshop) -> None:
    changes = await workshop.store.changes.add(
        [NewChange(author="a", revision=str(number), branch="main") for number in range(6)]
    )
    builds = []
    for change, result in (
        (changes[0], Result.SUCCESS),
        (changes[2], Result.FAILURE),
        (changes[5], Result.SUCCESS),
    ):
        build = await workshop.build(stamps=[change.source_stamp_id])
        await workshop.store.builds.finish_build(build, result, "", [build.request_id])
        builds.append(build)

    found = [
        [row["changeid"] for row in await workshop.rows("changes", scope={"buildid": build.id})]
        for build in builds
    ]

    assert found == [[1], [2, 3], [2, 3, 4, 5, 6]]
    (row,) = await workshop.rows("changes", scope={"changeid": 2})
    assert row["parent_changeids"] == [1]
    assert row["sourcestamp"]["revision"] == "1"


async def test_a_build_that_no_good_one_preceded_has_all_changes_up_to_its_own(
    workshop: Workshop,
) -> None:
    changes = await workshop.store.changes.add(
        [NewChange(author="a", revision=str(number), branch="main") for number in range(3)]
    )
    build = await workshop.build(stamps=[changes[2].source_stamp_id])

    rows = await workshop.rows("changes", scope={"buildid": build.id})

    assert [row["changeid"] for row in rows] == [1, 2, 3]


async def test_builds_that_a_build_triggered_are_found(workshop: Workshop) -> None:
    parent = await workshop.build()
    child = await workshop.build("b2", parent_build_id=parent.id, parent_relationship="Triggered")

    rows = await workshop.rows("triggered_builds", scope={"buildid": parent.id})

    assert [row["buildid"] for row in rows] == [child.id]


async def test_pending_requests_are_sorted_by_urgency(workshop: Workshop) -> None:
    for priority in (1, 5, 5):
        await workshop.submit(priority=priority)
        workshop.clock.seconds += 10

    rows = await workshop.rows(
        "buildrequests",
        filters=_filter("claimed", Operator.EQ, False),
        order=(Order("priority", True), Order("submitted_at", True)),
        limit=2,
    )

    assert [row["buildrequestid"] for row in rows] == [3, 2]


async def test_the_common_parent_of_two_commits_is_found(workshop: Workshop) -> None:
    def fill(transaction: Any) -> None:
        execute = transaction.connection.execute
        execute(insert(tables.projects), {"id": 1, "name": "p", "slug": "p", "active": True})
        execute(insert(tables.codebases), {"id": 1, "project_id": 1, "name": "c", "slug": "c"})
        common = {"codebase_id": 1, "author": "a", "comments": "", "when_timestamp": 1.0}
        parents = {1: None, 2: 1, 3: 2, 4: 2, 5: 4}
        rows = [
            {**common, "id": number, "revision": str(number), "parent_commit_id": parent}
            for number, parent in parents.items()
        ]
        execute(insert(tables.commits), rows)

    await workshop.store.database.write(fill)

    scope = {"codebaseid": 1, "commitid1": 3, "commitid2": 5}
    assert await workshop.rows("commit_graphs", scope=scope) == [
        {"common": 2, "to1": [3], "to2": [4, 5]}
    ]


@pytest.mark.parametrize(
    "query",
    [
        Query(sees=EVERYTHING, kind="nonsense"),
        Query(sees=EVERYTHING, kind="builds", fields=("nonsense",)),
        Query(sees=EVERYTHING, kind="builds", order=(Order("nonsense"),)),
        Query(sees=EVERYTHING, kind="builds", order=(Order("properties"),)),
        Query(sees=EVERYTHING, kind="builds", scope={"logid": 1}),
        Query(sees=EVERYTHING, kind="builds", filters=_filter("nonsense", Operator.EQ, 1)),
        Query(sees=EVERYTHING, kind="builds", filters=_filter("complete", Operator.GT, True)),
        Query(
            sees=EVERYTHING, kind="builds", filters=_filter("started_at", Operator.CONTAINS, "1")
        ),
        Query(
            sees=EVERYTHING, kind="buildsets", filters=_filter("sourcestamps", Operator.CONTAINS, 1)
        ),
    ],
)
async def test_a_question_that_makes_no_sense_is_a_value_error(
    workshop: Workshop, query: Query
) -> None:
    with pytest.raises(ValueError):
        await workshop.store.resources.fetch(query)


async def test_an_answer_tells_whether_it_is_still_true(workshop: Workshop) -> None:
    kinds = ("builds", "buildrequests", "steps", "logs", "builders", "changes", "workers")
    resources = workshop.store.resources
    pages = {kind: await resources.fetch(Query(kind=kind, sees=EVERYTHING)) for kind in kinds}

    await workshop.step(await workshop.build())

    changed = {
        kind
        for kind, page in pages.items()
        if page.basis is None or not resources.is_current(page.basis)
    }
    assert changed == {"builds", "buildrequests", "steps"}


@pytest.mark.parametrize("sees", [EVERYTHING, Visibility(builders=all_but("b2", "n3"))])
@pytest.mark.parametrize(
    "question",
    [
        {},
        {"order": (Order("name", descending=True),)},
        {"limit": 9, "offset": 2},
        {"limit": 30},
        {"filters": _filter("name", Operator.NE, "n5"), "fields": ("name", "tags")},
        {"scope": {"masterid": 1}},
        {"offset": 100},
    ],
)
@pytest.mark.parametrize("count", [1, 4, 50])
async def test_many_rows_can_be_read_in_parts(
    workshop: Workshop, sees: Visibility, question: dict[str, Any], count: int
) -> None:
    names = ["b1", "b2", *(f"n{number}" for number in range(12))]
    configs = [builder_config(name) for name in names]
    await workshop.store.builders.sync(configs, workshop.master_id)
    resources = workshop.store.visited_resources
    query = Query(kind="builders", sees=sees, **question)

    first, others = await resources.fetch_first(query, count)
    rest = await resources.fetch_these(query, others)

    whole = await resources.fetch(query)
    assert len(first.rows) <= count
    assert first.rows + rest.rows == whole.rows
    assert first.total == whole.total


async def test_rows_that_are_gone_or_hidden_are_left_out(workshop: Workshop) -> None:
    resources = workshop.store.visited_resources
    one, other = workshop.builder_ids.values()
    query = Query(kind="builders", sees=Visibility(builders=only("b2")))

    page = await resources.fetch_these(query, [other, one, 999])

    assert [row["name"] for row in page.rows] == ["b2"]


@pytest.mark.parametrize("kind", sorted(KINDS.keys() & STORED.keys()))
async def test_every_kind_can_be_read_in_parts(workshop: Workshop, kind: str) -> None:
    await _history(workshop, Result.SUCCESS, Result.FAILURE, Result.SUCCESS)
    resources = workshop.store.visited_resources
    query = Query(kind=kind, sees=EVERYTHING)

    first, others = await resources.fetch_first(query, 1)
    rest = await resources.fetch_these(query, others)

    assert first.rows + rest.rows == (await resources.fetch(query)).rows


async def test_visitors_who_ask_for_much_do_not_keep_the_engine_waiting(tmp_path: Path) -> None:
    events: list[Event] = []
    database = Database(url="sqlite:///s", basedir=tmp_path, publish=events.extend)
    await database.open()
    try:
        let_go = threading.Event()
        waiting = [
            asyncio.ensure_future(database.read(lambda _: let_go.wait(30), lane))
            for lane in (Lane.WEB, Lane.BULK)
            for _ in range(20)
        ]

        async with asyncio.timeout(PATIENCE):
            assert await database.read(lambda connection: connection.scalar(text("SELECT 7"))) == 7

        let_go.set()
        await asyncio.gather(*waiting)
    finally:
        await database.close()
