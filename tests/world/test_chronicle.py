"""The master's log tells the life of the farm, one line each."""

from __future__ import annotations

import logging

import pytest
from written import started, written

from chargehand.testing.world import Refused

CONFIGURATION = """
    c['schedulers'] = [schedulers.AnyBranchScheduler(name='any', builderNames=['b'])]
    add('b', sh('true'), blocking('wait'))
    """


async def test_a_commit_is_followed_from_change_to_result(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "chargehand.farm")
    async with started(CONFIGURATION) as ci:
        await ci.push(branch="main", revision="abc", author="me", repository="r")
        await ci.settle()
        await ci.sleep(7)
        (build,) = await ci.get("builds")
        await ci.order(f"builds/{build['buildid']}", "stop", reason="enough")
        await ci.until_idle()

    lines = [record.getMessage() for record in caplog.records if record.name == "chargehand.farm"]
    assert lines[:3] == [
        "change 1 by me: r main abc",
        'buildset 1 submitted by scheduler "any": ' + lines[1].partition(": ")[2],
        "build b #1 started on local (build 1, request 1 waited < 0.1 s; local was free)",
    ]
    assert lines[3:] == [
        "stop of build 1 requested by an anonymous visitor: enough",
        'build b #1 finished after 7.0 s: cancelled by an anonymous visitor during "wait": enough',
    ]


@pytest.mark.parametrize(
    ("path", "method", "parameters"),
    [
        ("workers/99", "pause", {}),
        ("workers/nobody", "kill", {}),
        ("builds/99", "stop", {}),
        ("builders/1/builds/99", "stop", {}),
        ("builds/99", "rebuild", {}),
        ("buildrequests/99", "cancel", {}),
        ("buildrequests/99", "set_priority", {"priority": 1}),
        ("schedulers/99", "enable", {"enabled": False}),
        ("forceschedulers/nobody", "force", {}),
    ],
)
async def test_an_order_to_what_does_not_exist_is_no_event_of_the_farm(
    path: str, method: str, parameters: dict[str, object], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "chargehand.farm")
    async with started(CONFIGURATION) as ci:
        with pytest.raises(Refused) as refused:
            await ci.order(path, method, **parameters)

    assert refused.value.status == 404
    assert path.rpartition("/")[2] in str(refused.value)
    assert [record for record in caplog.records if record.name == "chargehand.farm"] == []


async def test_an_interrupted_build_is_named_by_its_builder(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "chargehand.farm")
    async with started("add('b', blocking('wait'))") as ci:
        await ci.force("b")
        await ci.sleep(7)
        await ci.crash()
        await ci.start(written("add('another', sh('true'))"))

    (line,) = (r.getMessage() for r in caplog.records if " finished after " in r.getMessage())
    assert line.startswith("build b #1 finished after 7.0 s with retry: the master was killed")


REASONS = """
    lock = util.MasterLock('db')
    add('a', blocking('one'), workernames=['w'])
    add('b', sh('true'), workernames=['w'])
    add('holds', blocking('two'), workernames=['x'], locks=[lock.access('exclusive')])
    add('wants', sh('true'), workernames=['y'], locks=[lock.access('exclusive')])
    c['workers'] += [worker.LocalWorker('w', max_builds=1), worker.LocalWorker('x'),
                     worker.LocalWorker('y')]
    (HERE / 'no').touch()
    add('asks', sh('true'), workernames=['x'],
        canStartBuild=lambda *given: not (HERE / 'no').exists())
    class Again(steps.BuildStep):
        async def run(self):
            return util.RETRY if self.build.number == 1 else util.SUCCESS
    add('again', Again())
    """


async def test_a_line_says_why_a_build_starts_now(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "chargehand.farm")
    async with started(REASONS) as ci:
        for builder in ("a", "b", "holds", "wants", "asks", "again"):
            await ci.order("forceschedulers/force", "force", builderNames=[builder])
        await ci.sleep(3)
        for name, step in (("w", "one"), ("x", "two")):
            ci.worker(name).let_go(step)
            await ci.settle()
        (ci.path / "no").unlink()
        await ci.until_idle()
        ci.worker("w").leave()
        await ci.order("forceschedulers/force", "force", builderNames=["b"])
        await ci.settle()
        ci.worker("w").come()
        await ci.until_idle()

    told = [record for record in caplog.records if " started on " in record.getMessage()]
    why = {
        record.getMessage().split()[1] + record.getMessage().split()[2]: record for record in told
    }
    assert {name: record.getMessage().partition("; ")[2] for name, record in why.items()} == {
        "a#1": "w was free)",
        "b#1": "w became free when a #1 ended)",
        "b#2": "w became available)",
        "holds#1": "x was free)",
        "wants#1": "lock db became free, which holds #1 had)",
        "asks#1": "canStartBuild now allows it)",
        "again#1": "local was free)",
        "again#2": "its pause before the retry is over)",
    }
    assert vars(why["b#1"])["ids"]["why_now"] == "w became free when a #1 ended"


async def test_lines_about_workers_name_them_as_json(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "chargehand.fleet")
    async with started("add('b', sh('true'))"):
        pass

    told = [
        vars(record).get("ids") for record in caplog.records if "chargehand.fleet" in record.name
    ]
    assert told == [{"worker": "local", "workerid": 1}] * 2
