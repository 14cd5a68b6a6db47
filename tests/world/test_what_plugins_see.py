"""A plug-in in a running master: every documented key, path and read gives it something."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from buildbot.data import resultspec
from buildbot.data.exceptions import InvalidControlException
from chargehand.testing.world import world

CONFIG = """
import builtins
from buildbot.plugins import schedulers, steps, util, worker
from buildbot.util.service import BuildbotService

class Watcher(BuildbotService):
    name = 'watcher'

    async def startService(self):
        await super().startService()
        builtins.watched.append(self.master)
        for length in (3, 4, 5, 7):
            await self.master.mq.startConsuming(self.heard, (None,) * length)

    def heard(self, key, message):
        builtins.heard.append((key, message))

class Linked(steps.BuildStep):
    async def run(self):
        await self.addURL('page', 'http://example.org')
        return util.SUCCESS

c = BuildmasterConfig = {}
c['workers'] = [worker.LocalWorker('w')]
f = util.BuildFactory([
    steps.ShellCommand(name='compile', command='make'),
    steps.SetProperty(property='p', value=1),
    Linked(),
])
c['builders'] = [util.BuilderConfig(name='b', workernames=['w'], factory=f)]
c['schedulers'] = [
    schedulers.ForceScheduler(name='force', builderNames=['b']),
    schedulers.AnyBranchScheduler(name='all', builderNames=['b'], treeStableTimer=None),
]
c['services'] = [Watcher()]
"""

KEYS = (
    "builders.1.buildrequests.1.new",
    "builders.1.buildrequests.1.claimed",
    "builders.1.buildrequests.1.complete",
    "builders.1.builds.1.new",
    "builders.1.builds.1.finished",
    "buildrequests.1.new",
    "buildrequests.1.claimed",
    "buildrequests.1.complete",
    "buildsets.1.builders.1.buildrequests.1.claimed",
    "buildsets.1.new",
    "buildsets.1.complete",
    "builds.1.new",
    "builds.1.update",
    "builds.1.finished",
    "builds.1.properties.update",
    "builds.1.steps.2.new",
    "builds.1.steps.2.started",
    "builds.1.steps.4.updated",
    "builds.1.steps.2.finished",
    "changes.1.new",
    "logs.1.new",
    "logs.1.append",
    "logs.1.finished",
    "masters.1.started",
    "steps.2.new",
    "steps.2.finished",
    "steps.2.logs.stdio.new",
    "steps.2.logs.stdio.finished",
    "workers.1.connected",
    "workers.1.builds.1.new",
    "workers.1.builds.1.finished",
    "schedulers.1.updated",
)
"""Keys of Buildbot's manual, as they come about in the scenario below."""

PATHS = (
    "builders",
    "builders/1",
    "builders/b",
    "builders/1/builds",
    "builders/1/builds/1",
    "builders/1/builds/1/steps",
    "builders/1/builds/1/steps/compile",
    "builders/1/builds/1/steps/compile/logs/stdio/contents",
    "builders/1/buildrequests",
    "builders/1/masters",
    "builders/1/workers",
    "builders/1/forceschedulers",
    "buildrequests",
    "buildrequests/1",
    "buildrequests/1/builds",
    "buildsets",
    "buildsets/1",
    "buildsets/1/properties",
    "builds",
    "builds/1",
    "builds/1/changes",
    "builds/1/properties",
    "builds/1/steps",
    "builds/1/steps/2",
    "builds/1/steps/compile/logs",
    "builds/1/steps/compile/logs/stdio",
    "builds/1/steps/compile/logs/stdio/contents",
    "changes",
    "changes/1",
    "changes/1/builds",
    "changesources",
    "forceschedulers",
    "forceschedulers/force",
    "logs/1",
    "logs/1/contents",
    "masters",
    "masters/1",
    "masters/1/builders",
    "masters/1/workers",
    "schedulers",
    "schedulers/1",
    "sourcestamps",
    "sourcestamps/1",
    "sourcestamps/1/changes",
    "steps/2",
    "steps/2/logs",
    "steps/2/logs/stdio/contents",
    "workers",
    "workers/1",
    "workers/w",
)


async def test_a_plugin_sees_everything_that_the_manual_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[tuple[tuple[str, ...], dict[str, Any]]] = []
    watched: list[Any] = []
    monkeypatch.setattr("builtins.heard", heard, raising=False)
    monkeypatch.setattr("builtins.watched", watched, raising=False)
    async with world(CONFIG, path=tmp_path) as ci:
        ci.worker("w").on("make", output="one\ntwo\n", seconds=5)
        await ci.push(branch="main", revision="abc")
        await ci.until_idle()
        await ci.order("schedulers/1", "enable", enabled=False)
        ci.worker("w").leave()
        await ci.settle()
        ci.worker("w").come()
        await ci.settle()
        (master,) = watched

        async def got(deferred: Any) -> Any:
            return await deferred.asFuture(ci._loop)

        keys = {".".join(key) for key, _ in heard}
        missing = [key for key in KEYS if key not in keys]
        assert not missing, missing
        assert [p for p in PATHS if await got(master.data.get(p)) is None] == []
        assert [p for p in PATHS if await got(master.data.get(tuple(p.split("/")))) is None] == []
        await _filters_work(master, got)
        await _the_database_is_read(master, got)
        await _orders_are_taken(master, got)


async def _filters_work(master: Any, got: Any) -> None:
    def builds(*filters: Any, **options: Any) -> Any:
        return got(master.data.get(("builders", 1, "builds"), filters=filters, **options))

    assert len(await builds(resultspec.Filter("complete", "eq", [True]))) == 1
    assert not await builds(resultspec.Filter("number", "gt", [1]))
    assert len(await builds(resultspec.Filter("results", "ne", [2]), order=["-number"])) == 1
    assert await builds(fields=["number"], limit=1) == [{"number": 1}]
    (request,) = await got(
        master.data.get("buildrequests", [resultspec.Filter("complete", "eq", [True])])
    )
    assert request["complete_at"].year == 2026
    assert len(await builds(resultspec.Filter("buildid", "in", [1, 2]))) == 1
    assert not await builds(resultspec.Filter("buildid", "notin", [1, 2]))
    assert await got(master.data.get(("builds", 99))) is None


async def _the_database_is_read(master: Any, got: Any) -> None:
    db = master.db
    (build,) = await got(db.builds.getBuilds(builderid=1, complete=True))
    assert build.id == build["buildid"] == 1
    assert (await got(db.builds.getBuild(1))).number == 1
    assert (await got(db.builds.getBuildByNumber(1, 1))).id == 1
    assert (await got(db.builds.getBuildProperties(1)))["p"] == (1, "SetProperty")
    assert [one.id for one in await got(db.builds.getBuildsForChange(1))] == [1]
    assert await got(db.builds.get_triggered_builds(1)) == []
    assert (await got(db.buildrequests.getBuildRequest(1))).buildsetid == 1
    assert len(await got(db.buildrequests.getBuildRequests(complete=True))) == 1
    assert (await got(db.buildsets.getBuildset(1))).complete
    assert "scheduler" in await got(db.buildsets.getBuildsetProperties(1))
    assert (await got(db.changes.getChange(1))).revision == "abc"
    assert [one.name for one in await got(db.workers.getWorkers())] == ["w"]
    assert [one.slug for one in await got(db.logs.getLogs(2))] == ["stdio"]
    assert "one\n" in await got(db.logs.getLogLines(1, 0, 9))
    assert await got(db.build_data.getAllBuildDataNoValues(1)) == []
    assert await got(db.build_data.getBuildData(1, "none")) is None
    assert (await got(db.logs.getLogBySlug(2, "stdio"))).id == (await got(db.logs.getLog(1))).id
    assert [one.name for one in await got(db.steps.getSteps(1))][1:3] == ["compile", "SetProperty"]
    assert (await got(db.steps.getStep(buildid=1, name="compile"))).number == 1
    assert [one.bsid for one in await got(db.buildsets.getBuildsets(complete=True))] == [1]
    assert await got(db.changes.getLatestChangeid()) == 1
    assert [one.revision for one in await got(db.changes.getChanges())] == ["abc"]
    assert [one.changeid for one in await got(db.changes.getChangesForBuild(1))] == [1]
    assert (await got(db.changes.getChangeFromSSid(1))).changeid == 1
    assert (await got(db.sourcestamps.getSourceStamp(1))).branch == "main"
    assert [one.ssid for one in await got(db.sourcestamps.getSourceStampsForBuild(1))] == [1]
    assert await got(db.builders.findBuilderId("b")) == 1
    assert await got(db.builders.findBuilderId("never was", autoCreate=False)) is None
    assert (await got(db.builders.getBuilder(1))).name == "b"
    assert [one.id for one in await got(db.builders.getBuilders(masterid=1))] == [1]
    assert (await got(db.workers.getWorker(name="w"))).id == 1
    (place,) = (await got(db.workers.getWorker(name="w", builderid=1))).configured_on
    assert place["builderid"] == 1
    assert await got(db.projects.get_projects()) == []
    assert [one.masterid for one in await got(db.changesources.getChangeSources())] in ([], [1])
    assert (await got(db.schedulers.getScheduler(1))).enabled is False
    assert len(await got(db.schedulers.getSchedulers(active=True))) == 2
    assert (await got(db.masters.getMaster(1))).active
    for missing in (db.steps.getStep(99), db.logs.getLog(99), db.builders.getBuilder(99)):
        assert await got(missing) is None


async def _orders_are_taken(master: Any, got: Any) -> None:
    stamp = {"branch": "other", "revision": "r"}
    number, requests = await got(
        master.data.updates.addBuildset(
            reason="mine", sourcestamps=[stamp], builderids=[1], properties={"x": (1, "me")}
        )
    )
    buildset = await got(master.data.get(("buildsets", number)))
    assert (buildset["reason"], list(requests)) == ("mine", [1])
    assert buildset["sourcestamps"][0]["branch"] == "other"
    assert (await got(master.data.get(("buildsets", number, "properties"))))["x"] == [1, "me"]
    forced = {"builderid": 1, "owner": "me", "reason": "by a script"}
    number, requests = await got(master.data.control("force", forced, ("forceschedulers", "force")))
    request = await got(master.data.get(("buildrequests", requests[1])))
    assert (request["buildsetid"], request["builderid"]) == (number, 1)
    with pytest.raises(LookupError):
        await got(master.data.updates.addBuildset(sourcestamps=[stamp], builderids=[99]))
    with pytest.raises(InvalidControlException, match="nosuch"):
        await got(master.data.control("nosuch", {}, ("builds", 1)))
    with pytest.raises(AttributeError, match=r"updates\.newBuild is not supported"):
        _ = master.data.updates.newBuild
