"""The kit's database: inserted rows are what ``master.data`` and ``master.db`` return."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from buildbot.data.resultspec import Filter
from buildbot.process.results import FAILURE, SUCCESS
from buildbot.reporters import utils
from buildbot.test import fakedb
from buildbot.test.fake import fakedb as fakedb_of_old
from buildbot.test.fake import fakemaster
from buildbot.test.resource_rows import RowsOf
from buildbot.test.util.reporter import ReporterTestMixin
from chargehand.domain.worker import Worker
from chargehand.kit.values import replace
from chargehand.resources.catalog import KINDS
from chargehand.resources.field import INTEGER, STRING, Fields, list_of

_ROWS = [
    fakedb.Master(id=92, name="m"),
    fakedb.Worker(id=13, name="wrkr"),
    fakedb.Project(id=3, name="p"),
    fakedb.Builder(id=80, name="linux", projectid=3),
    fakedb.Builder(id=81, name="mac"),
    fakedb.BuilderMaster(id=5, builderid=80, masterid=92),
    fakedb.ConfiguredWorker(buildermasterid=5, workerid=13),
    fakedb.ConnectedWorker(masterid=92, workerid=13),
    fakedb.Tag(id=7, name="fast"),
    fakedb.BuildersTags(builderid=80, tagid=7),
    fakedb.Scheduler(id=4, name="sched"),
    fakedb.SchedulerMaster(schedulerid=4, masterid=92),
    fakedb.ChangeSource(id=6, name="poller"),
    fakedb.Patch(id=99, patchlevel=1, subdir="src"),
    fakedb.SourceStamp(id=234, revision="r1", patchid=99),
    fakedb.Change(changeid=8, sourcestampid=234, revision="r1"),
    fakedb.ChangeFile(changeid=8, filename="a.c"),
    fakedb.ChangeProperty(changeid=8, property_name="c", property_value='["x", "Change"]'),
    fakedb.Buildset(id=98, reason="why"),
    fakedb.BuildsetSourceStamp(buildsetid=98, sourcestampid=234),
    fakedb.BuildsetProperty(buildsetid=98, property_name="s", property_value=(1, "S")),
    fakedb.BuildRequest(id=11, buildsetid=98, builderid=80),
    fakedb.BuildRequestClaim(brid=11, masterid=92),
    fakedb.Build(
        id=20, number=0, builderid=80, buildrequestid=11, workerid=13, masterid=92,
        results=FAILURE, complete_at=1_304_262_300,
    ),
    fakedb.Build(id=21, number=1, builderid=80, buildrequestid=11, workerid=13, masterid=92),
    fakedb.BuildProperty(buildid=20, name="p", value=[1], source="s"),
    fakedb.BuildData(buildid=20, name="data", value=b"12", source="step"),
    fakedb.Step(id=50, buildid=20, number=0, name="make"),
    fakedb.Log(id=60, stepid=50, name="stdio", num_lines=3),
    fakedb.LogChunk(logid=60, first_line=0, last_line=2, content="o1\no2\ne3\n"),
]  # fmt: skip


@pytest.fixture
def master() -> Any:
    made = fakemaster.make_master()
    made.db.insert_test_data(_ROWS)
    return made


def _of(deferred: Any) -> Any:
    results: list[Any] = []
    deferred.addCallback(results.append)
    return results[0]


def test_each_kind_of_row_has_all_fields_of_its_resource() -> None:
    made = RowsOf(_ROWS)
    kinds = {kind for kind in KINDS if list(made.all(kind))}
    assert len(kinds) >= 14
    for kind in kinds:
        for found in made.all(kind):
            assert set(found.row) == {field.name for field in KINDS[kind].fields}, kind


def test_a_field_that_rows_of_tests_do_not_have_is_there_and_empty(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    new = Fields(Worker)
    fields = (
        new.column("room", STRING.or_none, "room", lambda _: "cellar"),
        new.column("floor", INTEGER, "floor", lambda _: 1),
        new.json("keys", list_of(STRING), "keys", lambda _: ["a"]),
    )
    workers = KINDS["workers"]
    monkeypatch.setitem(KINDS, "workers", replace(workers, fields=(*workers.fields, *fields)))

    (found,) = RowsOf(_ROWS).all("workers")

    assert [found.row[one.name] for one in fields] == [None, 0, []]
    assert found.row["connected_to"] == [{"masterid": 92}]


@pytest.mark.parametrize(
    ("path", "name", "values"),
    [
        ("builders/80/builds", "buildid", [20, 21]),
        ("builders/linux/builds/1", "buildid", 21),
        ("builders/81/builds", "buildid", []),
        ("changes/8/builds", "buildid", [20, 21]),
        ("builds/20/changes", "changeid", [8]),
        ("sourcestamps/234/changes", "changeid", [8]),
        ("builds/20/steps/make/logs/stdio", "logid", 60),
        ("builders/80/builds/0/steps", "stepid", [50]),
        ("builds/20/data/data", "length", 2),
        ("masters/92/builders", "builderid", [80]),
        ("builders/80/workers", "name", ["wrkr"]),
        ("buildsets/98/sourcestamps", "ssid", [234]),
        ("projects/3/builders", "name", ["linux"]),
        ("builders/80", "tags", ["fast"]),
        ("schedulers/4", "enabled", True),
    ],
)
def test_paths_lead_to_rows_as_in_a_master(master: Any, path: str, name: str, values: Any) -> None:
    found = _of(master.data.get(tuple(path.split("/"))))

    assert ([one[name] for one in found] if isinstance(found, list) else found[name]) == values


def test_filters_order_properties_and_log_contents(master: Any) -> None:
    complete = Filter("complete", "eq", [True])
    assert [one["buildid"] for one in _of(master.data.get("builds", filters=[complete]))] == [20]
    newest = _of(master.data.get("builds", order=["-number"], limit=1, fields=["buildid"]))
    assert newest == [{"buildid": 21}]
    assert _of(master.data.get("builds/20/properties")) == {"p": ([1], "s")}
    assert _of(master.data.get(("buildsets", 98, "properties"))) == {"s": (1, "S")}
    assert _of(master.data.get("logs/60/contents", offset=1, limit=1))["content"] == "o2\n"
    assert _of(master.data.get("builds/7")) is None
    assert _of(master.db.builds.getBuild(20)).number == 0
    assert _of(master.db.builders.getBuilder(80))["name"] == "linux"


def test_unknown_columns_are_refused_and_identifiers_given() -> None:
    with pytest.raises(TypeError, match="Build has no column nmber"):
        fakedb.Build(nmber=1)
    master = fakemaster.make_master()
    rows = [fakedb.Builder(name="a"), fakedb.Builder(name="b")]
    master.db.insertTestData(rows)
    assert [row.id for row in rows] == [1, 2]


def test_the_rows_are_found_where_they_were_before() -> None:
    kinds = {
        name
        for name, kind in inspect.getmembers(fakedb, inspect.isclass)
        if issubclass(kind, fakedb.Row)
    }
    assert kinds == set(fakedb_of_old.__all__)


class Reporting(ReporterTestMixin):
    """A test case's mixin, outside of a test case."""

    def __init__(self) -> None:
        self.setup_reporter_test()
        self.master = fakemaster.make_master()


def test_builds_for_reporters() -> None:
    case = Reporting()
    case.reporter_test_props["own"] = 7

    build = _of(case.insert_build_finished(FAILURE))

    assert (build["complete"], build["results"]) == (True, FAILURE)
    assert build["builder"]["name"] == "Builder0"
    assert build["url"] == "http://localhost:8080/#/builders/79/builds/0"
    assert build["properties"]["own"] == (7, "fakedb")
    [stamp] = build["buildset"]["sourcestamps"]
    assert (stamp["branch"], stamp["revision"]) == ("master", "d34db33fd43db33f")
    assert _of(utils.getResponsibleUsersForBuild(case.master, 20)) == ["me@foo"]


def test_builds_that_run_requests_that_wait_and_parents() -> None:
    case = Reporting()
    assert _of(case.insert_build_new())["complete"] is False

    case = Reporting()
    assert _of(case.insert_buildrequest_new())["builder"]["name"] == "Builder0"

    case = Reporting()
    case.insert_test_data([SUCCESS, FAILURE], FAILURE, parentPlan=True, insert_patch=True)
    found = _of(utils.getDetailsForBuildset(case.master, 98))
    assert [one["buildid"] for one in found["builds"]] == [20, 21]
    assert found["builds"][0]["parentbuilder"]["name"] == "Parent"
    assert found["buildset"]["sourcestamps"][0]["patch"]["author"] == "him@foo"


def test_a_build_may_stand_for_a_request_that_has_none() -> None:
    case = Reporting()
    request = _of(case.insert_buildrequest_new())
    build: dict[str, Any] = {"properties": {}}

    _of(utils.get_details_for_buildrequest(case.master, request, build))

    assert build["builder"]["name"] == "Builder0"
    assert build["buildset"]["bsid"] == 98
    assert build["url"] == "http://localhost:8080/#/buildrequests/11"
    assert build["results"] is None
