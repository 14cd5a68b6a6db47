"""When builds and steps are expected to end, from what earlier builds took."""

from __future__ import annotations

import pytest
from written import started

_CONFIGURATION = """
class Counts(steps.BuildStep):
    name = 'counts'
    progressMetrics = ('tests',)
    async def run(self):
        for number in range(10):
            self.setProgress('tests', number + 1)
            await asyncio.sleep(self.getProperty('each', 6))
        return util.SUCCESS

class Nonsense(steps.BuildStep):
    name = 'nonsense'
    def run(self):
        self.setProgress('tests', 'many')

add('b', sh('first', name='first'), Counts(), sh('last', name='last'))
add('nonsense', Nonsense())
c['schedulers'].append(schedulers.ForceScheduler(name='slow', builderNames=['b'],
    properties=[util.IntParameter(name='each', default=12)]))
"""


async def test_the_end_of_a_running_build_is_predicted_from_earlier_ones_after_a_restart() -> None:
    async with started("import asyncio\n" + _CONFIGURATION) as ci:
        for script, seconds in (("first", 30), ("last", 10)):
            ci.worker("local").on(script, seconds=seconds)
        request = await ci.force("b")
        await ci.sleep(1)
        assert await ci.get("builds/1/etas") == []
        await ci.finished(request)

        await ci.restart()
        request = await ci.force("b")
        await ci.sleep(10)
        build, step = await ci.get("builds/2/etas")

        assert (build["name"], build["stepid"], step["name"]) == ("", None, "first")
        assert round(float(str(step["seconds_left"]))) == 20
        assert round(float(str(build["seconds_left"]))) == 90
        assert round(float(str(build["eta"])) - ci.now) == 90
        assert 0.09 < float(str(build["progress"])) < 0.11
        await ci.finished(request)
        assert await ci.get("builds/2/etas") == []


async def test_a_metric_tells_more_than_the_time() -> None:
    async with started("import asyncio\n" + _CONFIGURATION) as ci:
        await ci.build("b")

        request = await ci.force("b", scheduler="slow")
        await ci.sleep(60.5)

        build, step = await ci.get("builders/b/builds/2/etas")
        assert (step["name"], step["progress"]) == ("counts", 0.6)
        assert round(float(str(step["seconds_left"]))) == 24
        assert float(str(build["seconds_left"])) >= float(str(step["seconds_left"]))
        await ci.finished(request)


async def test_progress_that_is_no_number_is_an_error_of_the_step() -> None:
    async with started("import asyncio\n" + _CONFIGURATION) as ci:
        build = await ci.build("nonsense")

        assert "setProgress needs a number for 'tests', not 'many'" in build.state


_RECEIVER = """
import builtins
from buildbot.status.base import StatusReceiver

class Receiver(StatusReceiver):
    def buildStarted(self, name, build):
        return (self, 10)

    def stepStarted(self, build, step):
        return (self, 20)

    def buildETAUpdate(self, build, ETA):
        builtins.told.append((build.getNumber(), None, round(ETA)))

    def stepETAUpdate(self, build, step, ETA, expectations):
        builtins.told.append((build.getNumber(), step.getName(), round(ETA)))

add('b', sh('first', name='first'), sh('last', name='last'))
c['status'] = [Receiver()]
"""


async def test_an_old_receiver_hears_when_builds_and_steps_will_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[tuple[int, str | None, int]] = []
    monkeypatch.setattr("builtins.told", told, raising=False)
    async with started(_RECEIVER) as ci:
        for script, seconds in (("first", 30), ("last", 9)):
            ci.worker("local").on(script, seconds=seconds)
        await ci.build("b")
        assert told == []

        await ci.build("b")
        await ci.sleep(60)
        assert "status receiver" not in ci.log

    assert {number for number, _, _ in told} == {2}
    assert [left for _, step, left in told if step is None] == [39, 29, 19, 9]
    assert [left for _, step, left in told if step == "first"] == [30, 10]
    assert [left for _, step, left in told if step == "last"] == [9]
