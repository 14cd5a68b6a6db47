"""Schedulers that users write, with the methods that Buildbot documents."""

from __future__ import annotations

import pytest
from written import started

from chargehand.testing.world import World
from chargehand.testing.world.client import Row

_MINE = """
from twisted.internet import defer
from buildbot.schedulers.base import BaseScheduler, ReconfigurableBaseScheduler
add('one', sh('one')); add('two', sh('two'))

CODEBASES = {'app': {'repository': 'r:app', 'branch': 'main'},
             'lib': {'repository': 'r:lib', 'branch': 'stable', 'revision': 'L1'}}

class Mine(BaseScheduler):
    @defer.inlineCallbacks
    def activate(self):
        yield super().activate()
        if not self.enabled:
            return
        yield self.startConsumingChanges(
            fileIsImportant=lambda change: 'docs' not in change.files,
            change_filter=util.ChangeFilter(branch='main'))

    async def gotChange(self, change, important):
        count = await self.getState('count', 0)
        await self.setState('count', count + 1)
        await self.submit(change, important, count)

    async def submit(self, change, important, count):
        await self.addBuildsetForChanges(
            changeids=[change.number], reason=f'change {count} of {change.who}',
            builderNames=['two'] if not important else None, properties={'important': important},
            external_idstring='x', priority=7)

    async def deactivate(self):
        await super().deactivate()
"""


async def test_a_scheduler_of_ones_own_builds_changes() -> None:
    text = f"{_MINE}\nc['schedulers'].append(Mine('mine', ['one', 'two'], codebases=CODEBASES))\n"
    async with started(text) as ci:
        await ci.push(codebase="app", repository="r:app", revision="A1", author="ann")
        await ci.push(codebase="app", branch="other", revision="A2")
        await ci.push(codebase="app", revision="A3", files=["docs"], properties={"p": (1, "C")})
        await ci.push(codebase="elsewhere", revision="E")
        await ci.until_idle()

        first, second = await ci.get("buildsets?order=bsid")
        assert [first["reason"], second["reason"]] == ["change 0 of ann", "change 1 of somebody"]
        assert first["external_idstring"] == "x"
        assert _stamps(first) == [("app", "main", "A1"), ("lib", "stable", "L1")]
        assert len(ci.builds("one")) == 1
        assert len(ci.builds("two")) == 2
        assert (await ci.get("buildrequests"))[0]["priority"] == 7
        found = await ci.properties(ci.last_build("two"))
        assert found["important"] == [False, "Scheduler"]
        assert found["p"] == [1, "C"]
        assert found["scheduler"] == ["mine", "Scheduler"]


async def test_it_is_switched_off_and_on_over_rest_and_keeps_its_state() -> None:
    text = f"{_MINE}\nc['schedulers'].append(Mine('mine', ['one'], codebases=['app']))\n"
    async with started(text) as ci:
        await ci.push(codebase="app", revision="1")
        await _enable(ci, False)
        await ci.push(codebase="app", revision="2")
        await ci.restart()
        await ci.push(codebase="app", revision="3")
        assert len(await ci.get("buildsets")) == 1

        await _enable(ci, True)
        await ci.push(codebase="app", revision="4")
        await ci.until_idle()

        _, last = await ci.get("buildsets?order=bsid")
        assert _stamps(last) == [("app", "main", "4")]
        assert last["reason"] == "change 1 of somebody"


_CALLS: list[tuple[str, list[tuple[object, ...]]]] = [
    (
        "self.addBuildsetForSourceStampsWithDefaults("
        "REASON, [{'codebase': 'app', 'revision': 'X'}])",
        [("app", "main", "X"), ("lib", "stable", "L1")],
    ),
    (
        "self.addBuildsetForSourceStampsWithDefaults(reason=REASON, sourcestamps=None)",
        [("app", "main", None), ("lib", "stable", "L1")],
    ),
    (
        "self.addBuildsetForSourceStamps(reason=REASON, sourcestamps=[{'codebase': 'app', "
        "'repository': 'q', 'branch': 'b', 'revision': 'Y', 'project': ''}])",
        [("app", "b", "Y")],
    ),
    (
        "self.addBuildsetForSourceStamps(reason=REASON, sourcestamps=[change.sourcestamp_id()])",
        [("app", "main", "A1")],
    ),
    (
        "self.addBuildsetForChanges(reason=REASON, changeids=[change.number], waited_for=False)",
        [("app", "main", "A1"), ("lib", "stable", "L1")],
    ),
]


async def test_buildsets_are_submitted_in_all_ways() -> None:
    text = _MINE
    for number, (call, _) in enumerate(_CALLS):
        text += f"""
class Way{number}(Mine):
    @defer.inlineCallbacks
    def submit(self, change, important, count):
        row = yield self.master.data.get(('changes', change.number))
        change.sourcestamp_id = lambda: row['sourcestamp']['ssid']
        bsid, brids = yield {call.replace("REASON", f"'way {number}'")}
        yield self.setState('made', [bsid, sorted(brids)])

c['schedulers'].append(Way{number}(
    name='way {number}', builderNames=['one'], codebases=CODEBASES, properties={{'own': 'o'}}))
"""
    async with started(text) as ci:
        await ci.push(codebase="app", revision="A1")
        await ci.until_idle()

        found = {row["reason"]: _stamps(row) for row in await ci.get("buildsets")}
        assert found == {f"way {number}": stamps for number, (_, stamps) in enumerate(_CALLS)}
        assert (await ci.properties(ci.last_build("one")))["own"] == ["o", "Scheduler"]


async def test_a_reconfigurable_one_checks_its_arguments_and_takes_new_ones() -> None:
    text = """
from buildbot.schedulers.base import ReconfigurableBaseScheduler
from buildbot.config import error
add('one', sh('one')); add('two', sh('two'))

class Every(ReconfigurableBaseScheduler):
    compare_attrs = ('times',)

    def checkConfig(self, times, builderNames, **kwargs):
        if times < 1:
            error(f'times must be positive, not {times}')
        return super().checkConfig(builderNames, **kwargs)

    async def reconfigService(self, times, builderNames, **kwargs):
        self.times = times
        await super().reconfigService(builderNames, **kwargs)

    async def activate(self):
        await super().activate()
        await self.startConsumingChanges()

    async def gotChange(self, change, important):
        for _ in range(self.times):
            await self.addBuildsetForChanges(changeids=[change.number], reason='every')

c['schedulers'].append(Every(name='every', times=TIMES, builderNames=['one']))
"""
    async with started(text.replace("TIMES", "2")) as ci:
        await ci.push(revision="1")
        await ci.until_idle()
        assert len(ci.builds("one")) == 2

        with_three = (ci.path / "master.cfg").read_text().replace("times=2", "times=3")
        await ci.reconfigure(with_three)
        await ci.push(revision="2")
        await ci.until_idle()
        assert len(ci.builds("one")) == 5

        with pytest.raises(Exception, match="times must be positive, not 0"):
            await ci.reconfigure(with_three.replace("times=3", "times=0"))


async def test_a_priority_is_a_number_or_a_function() -> None:
    text = """
add('one', sh('one')); add('two', sh('two'))
async def later(builders, changes):
    return 11 + len(changes[''])
for name, priority in [
    ('number', 5),
    ('function', lambda builders, changes: len(builders) * 10 + len(changes[''])),
    ('later', later),
]:
    c['schedulers'].append(schedulers.AnyBranchScheduler(
        name=name, builderNames=['one', 'two'], priority=priority,
        reason="%(classname)s called %(name)s"))
"""
    async with started(text) as ci:
        await ci.push(revision="1", properties={"of change": ("v", "Change")})
        await ci.until_idle()

        sets = {row["bsid"]: row["reason"] for row in await ci.get("buildsets")}
        found = {sets[row["buildsetid"]]: row["priority"] for row in await ci.get("buildrequests")}
        called = "AnyBranchScheduler called"
        assert found == {f"{called} number": 5, f"{called} function": 21, f"{called} later": 12}
        properties = await ci.properties(ci.last_build("one"))
        assert properties["of change"] == ["v", "Change"]


def _stamps(buildset: Row) -> list[tuple[object, ...]]:
    stamps = buildset["sourcestamps"]
    assert isinstance(stamps, list)
    found = []
    for stamp in stamps:
        assert isinstance(stamp, dict)
        found.append(tuple(stamp[name] for name in ("codebase", "branch", "revision")))
    return sorted(found)


async def _enable(ci: World, enabled: bool) -> None:
    (mine,) = [row for row in await ci.get("schedulers") if row["name"] == "mine"]
    await ci.order(f"schedulers/{mine['schedulerid']}", "enable", enabled=enabled)


_SERVICE = """
import builtins
from buildbot.schedulers.base import BaseScheduler
add('one', sh('one'))

class Old(BaseScheduler):
    def startService(self):
        builtins.told.append(('start', self.master is not None))
        BaseScheduler.startService(self)
        self.startConsumingChanges(change_filter=util.ChangeFilter(branch='main'))

    def gotChange(self, change, important):
        builtins.told.append(('change', change.revision, self.running))
        return self.addBuildsetForChanges(changeids=[change.number], reason='old')

    def stopService(self):
        builtins.told.append(('stop',))
        return BaseScheduler.stopService(self)

c['schedulers'].append(Old('old', ['one']))
"""


async def test_a_scheduler_may_begin_and_end_as_a_service(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[object, ...]] = []
    monkeypatch.setattr("builtins.told", told, raising=False)
    async with started(_SERVICE) as ci:
        await ci.push(branch="main", revision="r1")
        await ci.push(branch="other", revision="r2")
        await ci.until_idle()
        assert len(ci.builds("one")) == 1

    assert told == [("start", True), ("change", "r1", 1), ("stop",)]
