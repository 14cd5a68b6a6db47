"""What steps count is stored with their build."""

from __future__ import annotations

from typing import Any

import pytest
from written import started

_CONFIGURATION = """
import builtins
from buildbot.status.base import StatusReceiver

class Counts(steps.BuildStep):
    def run(self):
        for name, value in self.build.numbers[self.name].items():
            self.setStatistic(name, value)
        return util.SUCCESS

class Old(steps.ShellCommand):
    def createSummary(self, log):
        self.step_status.setStatistic('lines', len(log.getText().splitlines()))

class Build(util.BuildFactory().buildClass):
    numbers = {'first': {'tests': 3, 'of': {'python': [3, 14]}},
               'odd': {'tests': 4, 'when': object(), 'not': float('nan')},
               'nothing': {}}

class Receiver(StatusReceiver):
    def buildFinished(self, name, build, results):
        steps = {step.getName(): step for step in build.getSteps()}
        builtins.told.append((
            build.getSummaryStatistic('tests', lambda a, b: a + b, 10),
            build.getSummaryStatistic('tests', max),
            build.getSummaryStatistic('none', max),
            steps['first'].getStatistics(), steps['odd'].getStatistic('tests'),
            steps['odd'].hasStatistic('when'), steps['nothing'].getStatistics(),
            steps['old'].getStatistic('lines')))

f = util.BuildFactory([Counts(name=name) for name in Build.numbers])
f.addStep(Old(command='two', name='old'))
f.buildClass = Build
c['builders'].append(util.BuilderConfig(name='b', workernames=['local'], factory=f))
c['status'] = [Receiver()]
"""


async def test_statistics_are_read_after_the_build(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Any] = []
    monkeypatch.setattr("builtins.told", told, raising=False)
    async with started(_CONFIGURATION) as ci:
        ci.worker("local").on("two", output="1\n2\n")
        await ci.build("b")
        await ci.settle()

        rows = await ci.get("builds/1/statistics")

        counted = {str(row["name"]): row["statistics"] for row in rows}
        first = {"tests": 3, "of": {"python": [3, 14]}}
        assert counted == {"first": first, "odd": {"tests": 4}, "old": {"lines": 2}}
        assert 'step "odd": statistic "when" is not stored' in ci.log
        assert told == [(17, 4, None, first, 4, False, {}, 2)]
        await ci.restart()
        assert await ci.get("builders/b/builds/1/statistics") == rows
