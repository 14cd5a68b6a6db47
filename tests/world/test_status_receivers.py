"""Status receivers of Buildbot 0.8 in a running master hear of builds as they did."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from chargehand.testing.world import world

CONFIG = """
import builtins
from buildbot.plugins import schedulers, steps, util, worker
from buildbot.status import html
from buildbot.status.base import StatusReceiver, StatusReceiverMultiService
from buildbot.status.results import FAILURE, Results

class Everything(StatusReceiverMultiService):
    def __init__(self, categories=None):
        StatusReceiverMultiService.__init__(self)
        self.categories = categories
        self.watched = []

    def setServiceParent(self, parent):
        StatusReceiverMultiService.setServiceParent(self, parent)
        self.master_status = self.parent.getStatus()
        self.master_status.subscribe(self)

    def disownServiceParent(self):
        self.master_status.unsubscribe(self)
        builtins.told.append('gone')
        return StatusReceiverMultiService.disownServiceParent(self)

    def builderAdded(self, name, builder):
        self.watched.append(builder.getName())
        return self if name != 'unwatched' else None

    def buildStarted(self, name, build):
        builtins.told.append(('started', name, build.getNumber(), build.getReason()))
        return self

    def stepStarted(self, build, step):
        builtins.told.append(('step', step.getName(), build.getBuilder().getName()))

    def stepFinished(self, build, step, results):
        builtins.told.append(('step ended', step.getName(), results))

    def buildFinished(self, name, build, results):
        stamp = build.getSourceStamp()
        builtins.finished.append({
            'name': name, 'results': Results[results], 'users': build.getResponsibleUsers(),
            'revision': stamp.revision, 'who': [c.who for c in build.getChanges()],
            'files': stamp.changes[0].files, 'worker': build.getSlavename(),
            'property': build.getProperty('branch'), 'watched': self.watched,
            'url': self.master_status.getURLForThing(build), 'text': build.getText(),
            'log': build.getLogs()[-1].getText(), 'previous': build.getPreviousBuild(),
            'times': [t is not None for t in build.getTimes()],
            'title': self.master_status.getProjectName(),
        })

class Plain(StatusReceiver):
    def buildFinished(self, name, build, results):
        builtins.told.append(('plain', name, results == FAILURE, self.master.name != ''))

class Broken(StatusReceiver):
    def buildFinished(self, name, build, results):
        raise RuntimeError('old code')

c = BuildmasterConfig = {}
c['workers'] = [worker.LocalWorker('w')]
f = util.BuildFactory([steps.ShellCommand(name='compile', command='make')])
c['builders'] = [util.BuilderConfig(name=n, workernames=['w'], factory=f)
                 for n in ('b', 'unwatched')]
c['schedulers'] = [schedulers.AnyBranchScheduler(
    name='all', builderNames=['b', 'unwatched'], treeStableTimer=None)]
c['status'] = [html.WebStatus(8010), Everything(['x']), Plain(), Plain(), Broken()]
"""


async def test_receivers_of_old_configurations_hear_of_builds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Any] = []
    finished: list[dict[str, Any]] = []
    monkeypatch.setattr("builtins.told", told, raising=False)
    monkeypatch.setattr("builtins.finished", finished, raising=False)
    async with world(CONFIG, path=tmp_path) as ci:
        ci.worker("w").on("make", output="oops\n", rc=1, seconds=5)
        await ci.push(branch="main", revision="abc", author="ann", files=["f"])
        await ci.until_idle()
        await ci.settle()
        assert await ci.reconfigure(CONFIG) == "nothing changed"
        assert "gone" not in told
        assert "ERROR status receiver Broken failed on builds." in ci.log
        assert "RuntimeError: old code" in ci.log

    (build,) = finished
    assert build == {
        "name": "b",
        "results": "failure",
        "users": ["ann"],
        "revision": "abc",
        "who": ["ann"],
        "files": ["f"],
        "worker": "w",
        "property": "main",
        "watched": ["b", "unwatched"],
        "url": "http://localhost:8010/#/builders/1/builds/1",
        "text": ["failed: compile (exit 1)"],
        "log": "oops\n",
        "previous": None,
        "times": [True, True],
        "title": "Chargehand",
    }
    assert [one[:3] for one in told if one[0] == "started"] == [("started", "b", 1)]
    assert ("step", "compile", "b") in told and ("step ended", "compile", 2) in told
    assert sorted(one for one in told if one[0] == "plain") == [
        *[("plain", "b", True, True)] * 2,
        *[("plain", "unwatched", True, True)] * 2,
    ]
    assert told[-1] == "gone"
