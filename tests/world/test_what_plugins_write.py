"""What plug-ins write through ``master.data.updates``, ``master.mq`` and steps' test results."""

from __future__ import annotations

from typing import Any

import pytest
from written import started

from chargehand.domain.result import Result
from chargehand.testing.world import World

_WATCHED = """
import builtins
from buildbot.util.service import BuildbotService

class Watcher(BuildbotService):
    name = 'watcher'

    async def startService(self):
        await super().startService()
        builtins.masters.append(self.master)
        for length in (3, 4, 5):
            await self.master.mq.startConsuming(self.heard, (None,) * length)

    def heard(self, key, message):
        builtins.heard.append(('.'.join(key), message))

c['services'] = [Watcher()]

def run(word):
    return steps.ShellCommand(command=[word], name=word)
"""


class Plugin:
    """What a plug-in has: the master, and what it heard."""

    def __init__(self) -> None:
        self.masters: list[Any] = []
        self.heard: list[tuple[str, Any]] = []

    def keys(self, beginning: str) -> list[str]:
        """Return the keys that begin so, in order."""
        return [key for key, _ in self.heard if key.startswith(beginning)]

    def messages(self, wanted: str) -> list[Any]:
        """Return the messages with a key."""
        return [message for key, message in self.heard if key == wanted]

    async def does(self, ci: World, deferred: Any) -> Any:
        """Wait for what the master does."""
        return await deferred.asFuture(ci._loop)


@pytest.fixture
def plugin(monkeypatch: pytest.MonkeyPatch) -> Plugin:
    made = Plugin()
    monkeypatch.setattr("builtins.masters", made.masters, raising=False)
    monkeypatch.setattr("builtins.heard", made.heard, raising=False)
    return made


async def test_properties_and_the_sentence_of_a_build_are_written(plugin: Plugin) -> None:
    configuration = _WATCHED + "add('b', run('make'), run('check'))\n"
    async with started(configuration) as ci:
        updates = plugin.masters[0].data.updates
        ci.worker("local").on("make", seconds=10)
        ci.worker("local").on("check", seconds=10)
        request = await ci.force("b")
        await ci.sleep(1)
        (build,) = ci.builds("b")

        await plugin.does(ci, updates.setBuildProperty(build.id, "x", {"a": 1}, "me"))
        await plugin.does(ci, updates.setBuildProperties(build.id, {"y": (2, "me")}))
        await plugin.does(ci, updates.setBuildStateString(build.id, "busy with it"))
        assert (await ci.one(f"builds/{build.id}"))["state_string"] == "busy with it"
        await ci.finished(request)
        await plugin.does(ci, updates.setBuildProperty(build.id, "late", "z", "me"))

        properties = await ci.properties(build)
        assert (properties["x"], properties["y"]) == ([{"a": 1}, "me"], [2, "me"])
        assert properties["late"] == ["z", "me"]
        assert ci.last_build("b").state == "build successful"
        await ci.settle()
        assert {"late": ["z", "me"]} in plugin.messages(f"builds.{build.id}.properties.update")
        with pytest.raises(LookupError, match="does not run on this master"):
            await plugin.does(ci, updates.setBuildStateString(build.id, "again"))
        with pytest.raises(LookupError, match="no build 99"):
            await plugin.does(ci, updates.setBuildProperty(99, "x", 1, "me"))


async def test_waiting_requests_are_ended_and_running_ones_are_not(plugin: Plugin) -> None:
    configuration = _WATCHED + "add('b', run('make'), collapseRequests=False)\n"
    async with started(configuration) as ci:
        updates = plugin.masters[0].data.updates
        ci.worker("local").on("make", seconds=10)
        running = await ci.force("b")
        await ci.sleep(1)
        waiting = await ci.force("b")

        assert await plugin.does(ci, updates.completeBuildRequests([waiting], Result.SKIPPED))
        assert not await plugin.does(ci, updates.completeBuildRequests([waiting], Result.SKIPPED))
        with pytest.raises(ValueError, match=f"request {running} is being built: stop it with"):
            await plugin.does(ci, updates.completeBuildRequests([running], Result.SKIPPED))
        await ci.until_idle()

        row = await ci.one(f"buildrequests/{waiting}")
        assert (row["results"], row["end_reason"]) == (Result.SKIPPED, "ended by a plug-in")
        buildset = row["buildsetid"]
        assert (await ci.one(f"buildsets/{buildset}"))["complete"]
        assert await plugin.does(ci, updates.maybeBuildsetComplete(buildset)) is None
        assert ci.builds_of(waiting) == []
        assert ci.last_build("b").result is Result.SUCCESS


async def test_schedulers_and_workers_get_orders(plugin: Plugin) -> None:
    configuration = _WATCHED + (
        "from buildbot.plugins import schedulers\n"
        "add('b', run('make'))\n"
        "c['schedulers'].append(schedulers.AnyBranchScheduler(name='all', builderNames=['b']))\n"
    )
    async with started(configuration) as ci:
        updates = plugin.masters[0].data.updates
        scheduler = await plugin.does(ci, updates.findSchedulerId("all"))
        worker = await plugin.does(ci, updates.findWorkerId("local"))
        assert await plugin.does(ci, updates.findBuilderId("b")) == 1
        for find in (updates.findSchedulerId, updates.findWorkerId, updates.findBuilderId):
            with pytest.raises(LookupError, match="'never'"):
                await plugin.does(ci, find("never"))
        assert await plugin.does(ci, updates.find_project_id("never", auto_create=False)) is None

        await plugin.does(ci, updates.schedulerEnable(scheduler, False))
        assert not (await ci.one(f"schedulers/{scheduler}"))["enabled"]
        await plugin.does(ci, updates.schedulerEnable(scheduler, True))
        assert (await ci.one(f"schedulers/{scheduler}"))["enabled"]
        await plugin.does(ci, updates.set_worker_paused(worker, True, "for a while"))
        row = await ci.one("workers/local")
        assert (row["paused"], row["pause_reason"]) == (True, "for a while")
        assert row["paused_by"] == "the configuration"
        await plugin.does(ci, updates.set_worker_paused(worker, False))
        assert not (await ci.one("workers/local"))["paused"]
        with pytest.raises(ValueError, match="set_worker_paused"):
            await plugin.does(ci, updates.set_worker_graceful(worker, False))
        await plugin.does(ci, updates.set_worker_graceful(worker, True))
        assert (await ci.one("workers/local"))["graceful"]


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("newBuild", r"order builds with addBuildset\(\)"),
        ("claimBuildRequests", r"completeBuildRequests\(\)"),
        ("finishStep", r"run\(\) returns its result"),
        ("addStepURL", r"addURL\(\)"),
        ("appendLog", r"addLog\(\)"),
        ("workerConnected", "the master records itself"),
        ("nonsense", r"there is no master\.data\.updates\.nonsense"),
    ],
)
async def test_what_would_contradict_the_master_says_what_to_use(
    plugin: Plugin, name: str, instead: str
) -> None:
    async with started(_WATCHED + "add('b', run('make'))\n"):
        with pytest.raises(AttributeError, match=instead):
            getattr(plugin.masters[0].data.updates, name)


_RESULTS = (
    _WATCHED
    + """
from buildbot.process.buildstep import BuildStep

class Tests(BuildStep):
    name = 'tests'

    async def addTestResultSets(self):
        self.both = await self.addTestResultSet('all', 'pass_fail', 'boolean')

    async def run(self):
        for number in range(450):
            self.addTestResult(self.both, int(number % 10 != 0), test_name=f't{number}')
        self.addTestResult(self.both, 'odd', test_code_path='a.py', line=3, duration_ns=7)
        for category in ('pass_only', 'fail_only', 'code_issue', 'performance'):
            number = await self.addTestResultSet(category, category, 'message')
            self.addTestResult(number, 'text', test_name='one')
        builtins.heard.append(('refused', self.refused(77, '1', test_name='t')))
        builtins.heard.append(('refused', self.refused(self.both, '1')))
        return util.SUCCESS

    def refused(self, *given, **named):
        try:
            self.addTestResult(*given, **named)
        except (KeyError, ValueError) as error:
            return type(error).__name__

add('b', Tests())
"""
)


async def test_steps_say_how_tests_went(plugin: Plugin) -> None:
    async with started(_RESULTS) as ci:
        build = await ci.build("b")
        assert build.result is Result.SUCCESS
        data = plugin.masters[0].data

        sets = await plugin.does(ci, data.get(("builds", build.id, "test_result_sets")))
        numbers = {row["category"]: (row["tests_passed"], row["tests_failed"]) for row in sets}
        assert numbers == {
            "pass_fail": (405, 45),
            "pass_only": (1, 0),
            "fail_only": (0, 1),
            "code_issue": (0, 1),
            "performance": (None, None),
        }
        assert all(row["complete"] for row in sets)
        path = ("test_result_sets", sets[0]["test_result_setid"], "results")
        results = await plugin.does(ci, data.get(path))
        assert [one["test_name"] for one in results[:450]] == [f"t{n}" for n in range(450)]
        assert results[450]["test_code_path"] == "a.py"
        assert [row["value"] for row in results[:2]] == ["0", "1"]
        assert plugin.keys("test_result_sets.1.") == [
            "test_result_sets.1.new",
            "test_result_sets.1.completed",
        ]
        assert plugin.messages("refused") == ["KeyError", "ValueError"]


async def test_plug_ins_write_results_of_tests(plugin: Plugin) -> None:
    async with started(_WATCHED + "add('b', run('make'))\n") as ci:
        build = await ci.build("b")
        (step,) = ci.steps(build)
        updates = plugin.masters[0].data.updates

        added = updates.addTestResultSet(1, build.id, step.id, "d", "pass_fail", "boolean")
        number = await plugin.does(ci, added)
        values = [{"test_name": "x", "value": 1}, {"test_code_path": "y", "value": "0", "line": 4}]
        await plugin.does(ci, updates.addTestResults(1, number, values))
        for wrong in ({"test_name": "x"}, {"value": "1"}):
            with pytest.raises(KeyError):
                await plugin.does(ci, updates.addTestResults(1, number, [wrong]))
        await plugin.does(ci, updates.completeTestResultSet(number, tests_passed=1, tests_failed=1))

        rows = await plugin.does(
            ci, plugin.masters[0].data.get(("test_result_sets", number, "results"))
        )
        assert [(row["test_name"], row["value"], row["line"]) for row in rows] == [
            ("x", "1", None),
            (None, "0", 4),
        ]


async def test_orders_are_heard_and_given_as_messages(plugin: Plugin) -> None:
    configuration = _WATCHED + "add('b', run('make'), collapseRequests=False)\n"
    async with started(configuration) as ci:
        mq = plugin.masters[0].mq
        ci.worker("local").on("make", seconds=100)
        running = await ci.force("b")
        await ci.sleep(1)
        waiting = await ci.force("b")
        (build,) = ci.builds("b")

        await ci.order(f"buildrequests/{waiting}", "cancel", reason="no")
        mq.produce(("control", "builds", str(build.id), "stop"), {"reason": "by message"})
        await ci.finished(running)
        await ci.order("workers/local", "pause", reason="rest")
        mq.produce(("control", "builds", "99", "stop"), None)
        mq.produce(("control", "mine", "1", "stop"), {"a": 1})
        await ci.settle()

        assert (
            ci.last_build("b").state == 'cancelled by the configuration during "make": by message'
        )
        assert [one for one in plugin.heard if one[0].startswith("control.")] == [
            (f"control.buildrequests.{waiting}.cancel", {"reason": "no"}),
            (f"control.builds.{build.id}.stop", {"reason": "by message"}),
            ("control.worker.1.pause", {"reason": "rest"}),
            ("control.mine.1.stop", {"a": 1}),
            ("control.builds.99.stop", {"reason": "no reason"}),  # As in Buildbot.
        ]
        assert "cannot stop builds/99 as a message orders: there is no buildid 99" in ci.log


async def test_rows_come_with_their_number_in_all(plugin: Plugin) -> None:
    async with started(_WATCHED + "add('b', run('make'))\n") as ci:
        for _ in range(3):
            await ci.build("b")
        data = plugin.masters[0].data

        some = await plugin.does(ci, data.get("builds", order=["-number"], limit=2, offset=1))
        every = await plugin.does(ci, data.get("builds"))

        assert [row["number"] for row in some] == [2, 1]
        assert (some.total, some.offset, some.limit) == (3, 1, 2)
        assert (every.total, every.offset, every.limit) == (3, None, None)
        assert every.data == list(every)


async def test_more_of_the_database_is_read(plugin: Plugin) -> None:
    configuration = _WATCHED + (
        "from buildbot.plugins import schedulers\n"
        "add('b', run('make'))\n"
        "c['schedulers'].append(schedulers.AnyBranchScheduler(name='all', builderNames=['b']))\n"
    )
    async with started(configuration) as ci:
        for branch in ("main", "main", "other"):
            await ci.push(branch=branch, revision=f"at {branch}", repository="r")
            await ci.until_idle()
        db = plugin.masters[0].db

        async def got(deferred: Any) -> Any:
            return await plugin.does(ci, deferred)

        assert await got(db.changes.getChangesCount()) == 3
        assert await got(db.changes.getChangeUids(1)) == []
        assert await got(db.changes.getParentChangeIds("main", "r", "", "")) == [2]
        assert await got(db.changes.getParentChangeIds("none", "r", "", "")) == []
        recent = db.buildsets.getRecentBuildsets
        assert [one.bsid for one in await got(recent(2))] == [2, 3]
        assert [one.bsid for one in await got(recent(branch="main", repository="r"))] == [1, 2]
        assert [one.bsid for one in await got(recent(1, branch="main"))] == [2]
        assert await got(recent(complete=False)) == []
        third = await got(db.sourcestamps.getSourceStampsForBuild(3))
        second = await got(db.sourcestamps.getSourceStampsForBuild(2))
        previous = db.builds.getPrevSuccessfulBuild
        assert (await got(previous(1, 3, second))).number == 2
        assert await got(previous(1, 3, third)) is None
        await got(db.builds.setBuildProperty(1, "x", 1, "me"))
        await got(db.builds.setBuildProperties(1, {"y": (2, "me")}))
        properties = await got(db.builds.getBuildProperties(1))
        assert (properties["x"], properties["y"]) == ((1, "me"), (2, "me"))
        assert await got(db.workers.findWorkerId("local")) == 1
        assert await got(db.workers.findWorkerId("never")) is None
        assert await got(db.projects.find_project_id("never")) is None
        assert await got(db.changesources.findChangeSourceId("never")) is None
        await got(db.build_data.setBuildData(1, "n", b"bytes", "me"))
        assert (await got(db.build_data.getBuildDataNoValue(1, "n")))["value"] is None
        with pytest.raises(AttributeError, match="there is no table of them"):
            _ = db.users


async def test_events_say_what_was_the_case_by_then(plugin: Plugin) -> None:
    configuration = _WATCHED + (
        "from buildbot.test.latent import FakeLatentWorker\n"
        "c['workers'] = [FakeLatentWorker('ec2', outcomes=[100])]\n"
        "add('b', run('make'), workernames=['ec2'])\n"
    )
    async with started(configuration) as ci:
        request = await ci.force("b")
        await ci.sleep(50)

        assert plugin.keys("steps.1.") == ["steps.1.new", "steps.1.started"]
        (row,) = await ci.get("builds/1/steps")
        assert (row["name"], row["complete"]) == ("worker_preparation", False)
        assert row["started_at"] is not None
        await ci.finished(request)
        await ci.settle()
        for step in (1, 2):
            (new,) = plugin.messages(f"steps.{step}.new")
            assert (new["started_at"], new["state_string"]) == (None, "pending")
            (begun,) = plugin.messages(f"steps.{step}.started")
            assert (begun["started_at"] is not None, begun["complete"]) == (True, False)
        (buildset,) = plugin.messages("buildsets.1.new")
        assert buildset["results"] is None
