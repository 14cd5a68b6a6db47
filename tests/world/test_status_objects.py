"""What old plug-ins ask builders, builds, steps and logs, in methods that cannot wait."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from chargehand.testing.world import world

CONFIG = """
import builtins
from buildbot.plugins import schedulers, steps, util, worker
from buildbot.process.results import CANCELLED
from buildbot.status.base import StatusReceiver, StatusReceiverMultiService

class Everything(StatusReceiverMultiService):
    def setServiceParent(self, parent):
        StatusReceiverMultiService.setServiceParent(self, parent)
        self.status = parent.getStatus()
        self.status.subscribe(self)

    def tell(self, *what):
        builtins.told.append(what)

    def builderAdded(self, name, builder):
        return self

    def builderChangedState(self, name, state):
        self.tell('state', name, state)

    def buildsetSubmitted(self, buildset):
        buildset.getBuilderNames().addCallback(lambda names: self.tell(
            'buildset', buildset.getReason(), names, buildset.getSourceStamp().branch))

    def requestSubmitted(self, request):
        builder = self.status.getBuilder(request.getBuilderName())
        waiting = []
        builder.getPendingBuildRequestStatuses().addCallback(waiting.extend)
        request.getSourceStamp().addCallback(
            lambda stamp: self.tell('request', builder.getName(), stamp.branch, len(waiting)))

    def requestCancelled(self, builder, request):
        self.tell('cancelled', builder.getName(), request.getBuilderName())

    def buildStarted(self, name, build):
        builder = build.getBuilder()
        last = builder.getLastFinishedBuild()
        worker = self.status.getSlave(build.getSlavename())
        build.waitUntilFinished().addCallback(
            lambda ended: self.tell('awaited', name, ended.isFinished()))
        self.tell('started', name, build.getNumber(), last and last.getNumber(),
                  builder.getState()[0], builder.nextBuildNumber, build.isFinished(),
                  worker.isConnected(), [one.getNumber() for one in worker.getRunningBuilds()])
        return self

    def stepStarted(self, build, step):
        self.tell('step', step.getName(), build.getCurrentStep().getName(), step.isFinished())
        return self

    def logStarted(self, build, step, log):
        self.tell('log', log.getName(), step.getName())
        return self

    def logChunk(self, build, step, log, channel, text):
        if channel < 2:
            self.tell('chunk', log.getName(), channel, text)

    def logFinished(self, build, step, log):
        self.tell('log ended', log.getText(), log.hasContents(), log.isFinished())

    def stepFinished(self, build, step, results):
        self.tell('step ended', [log.getName() for log in step.getLogs()], step.getText())

    def buildFinished(self, name, build, results):
        previous = build.getPreviousBuild()
        builder = self.status.getBuilder(name)
        stamp, = build.getSourceStamps(absolute=True)
        everywhere = self.status.generateFinishedBuilds(branches=['main'], num_builds=2)
        self.tell(
            'ended', name, results, previous and (previous.getNumber(), previous.getResults()),
            previous and [step.getName() for step in previous.getSteps()],
            previous and previous.getLogs()[0].getText(),
            previous and previous.getReason(), stamp.revision,
            [one.getNumber() for one in builder.generateFinishedBuilds(max_buildnum=9)],
            [(one.getBuilder().getName(), one.getNumber()) for one in everywhere],
            builder.getBuild(-1).getNumber(), builder.getBuild(77),
            build.getProperties().getProperty('buildername'), build.getResponsibleUsers(),
            [change.who for change in build.getChanges()], build.getChanges()[0].properties['p'],
            self.status.getChange(1).comments, build.getCurrentStep(), build.getETA(),
            self.status.getURLForThing(builder))

c = BuildmasterConfig = {}
c['workers'] = [worker.LocalWorker('w', max_builds=1)]
f = util.BuildFactory([steps.ShellCommand(name='compile', command='make')])
c['builders'] = [util.BuilderConfig(name='b', workernames=['w'], factory=f, tags=['fast']),
                 util.BuilderConfig(name='late', workernames=['w'], factory=f,
                                    canStartBuild=lambda *_: False)]
c['schedulers'] = [
    schedulers.AnyBranchScheduler(name='all', builderNames=['b'], treeStableTimer=None),
    schedulers.ForceScheduler(name='force', builderNames=['late'])]
c['status'] = [Everything()]
"""


async def test_old_plug_ins_ask_what_they_like_while_they_hear_of_builds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Any] = []
    monkeypatch.setattr("builtins.told", told, raising=False)
    async with world(CONFIG, path=tmp_path) as ci:
        ci.worker("w").on("make", output="one\ntwo\n", seconds=5)
        for revision in ("r1", "r2"):
            await ci.push(
                branch="main", revision=revision, author="ann", properties={"p": (1, "Change")}
            )
            await ci.until_idle()
        await ci.order("forceschedulers/force", "force", builderNames=["late"], branch="x")
        (waiting,) = [r for r in await ci.get("buildrequests") if not r["complete"]]
        await ci.order(f"buildrequests/{waiting['buildrequestid']}", "cancel", reason="no")
        await ci.settle()
        assert "status receiver" not in ci.log

    def of(what: str) -> list[Any]:
        return [one[1:] for one in told if one[0] == what]

    assert of("started") == [
        ("b", 1, None, "building", 2, False, True, [1]),
        ("b", 2, 1, "building", 3, False, True, [2]),
    ]
    assert of("ended")[1] == (
        *("b", 0, (1, 0), ["worker_preparation", "compile"], "one\ntwo\n"),
        *(of("buildset")[0][0], "r2", [2, 1], [("b", 2), ("b", 1)], 2, None, "b", ["ann"]),
        *(["ann"], 1, told_comment(of("ended")[0]), None, None),
        "http://localhost:8010/#/builders/1",
    )
    assert of("step")[-1] == ("compile", "compile", False)
    assert of("log")[0] == ("stdio", "compile")
    assert "".join(text for name, channel, text in of("chunk")) == "one\ntwo\n" * 2
    assert of("log ended")[0] == ("one\ntwo\n", True, True)
    assert of("step ended")[-1] == (["stdio"], ["'make'"])
    assert of("awaited") == [("b", True)] * 2
    assert [one for one in of("state") if one[0] == "b"] == [("b", "building"), ("b", "idle")] * 2
    assert [one[:2] for one in of("request")] == [("b", "main"), ("b", "main"), ("late", "x")]
    assert of("request")[2][2] == 1  # of "b" the build may have started by then
    assert of("cancelled") == [("late", "late")]
    assert [one[1:] for one in of("buildset")] == [(["b"], "main")] * 2 + [(["late"], "x")]


def told_comment(ended: Any) -> Any:
    return ended[-4]
