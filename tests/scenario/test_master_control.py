"""What people order over REST, and what the master answers; locks, and why requests wait."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from installed_master import (
    CANCELLED,
    FAILURE,
    RETRY,
    SUCCESS,
    InstalledMaster,
    Refused,
    eventually,
)

_ONE_AT_A_TIME = "c['workers'] = [worker.LocalWorker('local', max_builds=1)]\n"


@pytest.fixture
def started(master: InstalledMaster) -> Callable[[str], InstalledMaster]:
    """Return a function that starts a master with a configuration."""

    def start(text: str) -> InstalledMaster:
        master.write(text)
        master.start()
        return master

    return start


def test_a_build_can_be_stopped(started: Callable[[str], InstalledMaster]):
    master = started(
        "add('b', blocking('slow'), sh('echo never', name='after'),\n"
        "    sh('echo cleaned', name='always', alwaysRun=True))"
    )
    request_id = master.force("b")
    pid = int(master.wait_for_file("slow.running"))
    build = master.running_build(request_id)

    master.order(f"builds/{build['buildid']}", "stop", reason="I changed my mind")
    request = master.completed(request_id)

    (build,) = master.builds_of(request_id)
    assert (request["results"], build["results"]) == (CANCELLED, CANCELLED)
    assert "I changed my mind" in build["state_string"]
    steps = {step["name"]: step["results"] for step in master.steps(build)}
    assert steps["slow"] == CANCELLED
    assert "after" not in steps
    assert not [n for n, line in master.worker_processes().items() if n == pid or "sleep" in line]
    assert master.order(f"builds/{build['buildid']}", "stop", reason="again") is None


def test_a_build_can_be_stopped_to_run_again(started: Callable[[str], InstalledMaster]):
    master = started("add('b', blocking('slow'))")
    request_id = master.force("b")
    master.wait_for_file("slow.running")
    build = master.running_build(request_id)
    master.let_go("slow")

    master.order(f"builds/{build['buildid']}", "stop", reason="once more", results=RETRY)

    assert master.completed(request_id)["results"] == SUCCESS
    results = [build["results"] for build in master.builds_of(request_id)]
    assert results in ([RETRY, SUCCESS], [SUCCESS])


def test_requests_can_be_cancelled_waiting_or_running(
    started: Callable[[str], InstalledMaster],
):
    master = started(_ONE_AT_A_TIME + "add('b', blocking('slow'))")
    running, waiting = master.force("b"), master.force("b")
    master.wait_for_file("slow.running")

    master.order(f"buildrequests/{waiting}", "cancel", reason="not needed")
    assert master.one(f"buildrequests/{waiting}")["results"] == CANCELLED
    master.order(f"buildrequests/{running}", "cancel", reason="nor this")

    assert master.completed(running)["results"] == CANCELLED
    assert master.builds_of(waiting) == []
    buildset = master.one(f"buildsets/{master.one(f'buildrequests/{waiting}')['buildsetid']}")
    assert (buildset["complete"], buildset["results"]) == (True, CANCELLED)


def test_a_build_can_be_rebuilt(started: Callable[[str], InstalledMaster]):
    master = started("add('b', sh('exit 1', name='one'))")
    first = master.build("b", branch="topic", revision="abc", reason="because")

    _, requests = master.order(f"builds/{first['buildid']}", "rebuild")
    (request_id,) = requests.values()
    request = master.completed(request_id)

    assert request["results"] == FAILURE
    (again,) = master.builds_of(request_id)
    properties = master.properties(again)
    assert (properties["branch"][0], properties["revision"][0]) == ("topic", "abc")
    buildset = master.one(f"buildsets/{request['buildsetid']}")
    assert buildset["rebuilt_buildid"] == first["buildid"]


def test_a_worker_can_be_paused_and_unpaused(started: Callable[[str], InstalledMaster]):
    master = started("add('b', sh('true'))")
    master.connected()

    master.order("workers/local", "pause", reason="for its birthday")
    request_id = master.force("b")
    said = master.waits(request_id, "workers_paused")
    record = master.one("workers/local")
    master.order("workers/local", "unpause")

    assert "local (for its birthday)" in said
    assert (record["paused"], record["pause_reason"]) == (True, "for its birthday")
    assert master.completed(request_id)["results"] == SUCCESS
    assert master.one("workers/local")["paused"] is False


def test_a_pause_survives_a_restart(started: Callable[[str], InstalledMaster]):
    master = started("add('b', sh('true'))")
    master.connected()
    master.order("workers/1", "pause", reason="broken disk")
    master.stop()
    master.start()

    request_id = master.force("b")

    assert "broken disk" in master.waits(request_id, "workers_paused")


def test_a_worker_stopped_gracefully_ends_its_build_first(
    started: Callable[[str], InstalledMaster],
):
    master = started("add('b', blocking('slow'))")
    running = master.force("b")
    master.wait_for_file("slow.running")

    master.order("workers/local", "stop", reason="going home")
    assert master.agents()
    waiting = master.force("b")
    master.waits(waiting, "workers_paused")
    master.let_go("slow")

    assert master.completed(running)["results"] == SUCCESS
    eventually("the end of the agent", lambda: not master.agents())
    assert master.one("workers/local")["graceful"] is True


def test_the_higher_priority_goes_first(started: Callable[[str], InstalledMaster]):
    master = started(_ONE_AT_A_TIME + "add('b', blocking('slow'))")
    first = master.force("b")
    master.wait_for_file("slow.running")
    second, third, fourth = master.force("b"), master.force("b", priority=5), master.force("b")

    master.order(f"buildrequests/{fourth}", "set_priority", priority=9)
    sentence = master.waits(second, "behind_others")
    master.let_go("slow")
    for request in (first, second, third, fourth):
        master.completed(request)

    assert master.one(f"buildrequests/{fourth}")["priority"] == 9
    assert sentence.startswith("2 other requests of this builder come first")
    order = [build["buildrequestid"] for build in master.get("builds?order=buildid")]
    assert order == [first, fourth, third, second]


def test_every_wait_says_why(started: Callable[[str], InstalledMaster]):
    master = started("""
        c['workers'] = [worker.LocalWorker('one', max_builds=1), worker.LocalWorker('two'),
                        worker.Worker('far', 'password')]
        c['protocols'] = {'pb': {'port': 'tcp:0:interface=127.0.0.1'}}
        lock = util.MasterLock('database')
        add('busy', blocking('slow'), workernames=['one'])
        add('busy too', blocking('slow'), workernames=['one'])
        add('locks', blocking('held'), workernames=['two'], locks=[lock.access('exclusive')])
        add('locked', sh('true'), workernames=['two'], locks=[lock.access('exclusive')])
        add('far away', sh('true'), workernames=['far'])
        add('refused', sh('true'), workernames=['two'], canStartBuild=lambda *given: False)
        def bad(*given):
            raise LookupError('no idea')
        add('failing', sh('true'), workernames=['two'], nextBuild=bad)
        add('failing worker', sh('true'), workernames=['two'], nextWorker=bad)
        add('failing start', sh('true'), workernames=['two'], canStartBuild=bad)
        add('nonsense', sh('true'), workernames=['two'], nextBuild=lambda *given: 'what?')
        """)
    master.connected("one")
    master.connected("two")
    first, _ = master.force("busy"), master.wait_for_file("slow.running")
    holder, _ = master.force("locks"), master.wait_for_file("held.running")

    expected = {
        "busy": ("workers_busy", "all its workers are busy: one (1 of 1)"),
        "busy too": ("workers_busy", "all its workers are busy: one (1 of 1)"),
        "locked": ("lock_held", "lock database is held by locks #1"),
        "far away": ("no_worker_connected", "none of its workers is connected: far"),
        "refused": ("refused_by_function", "canStartBuild said no for two"),
        "failing": ("function_failed", "nextBuild raised an exception: LookupError: no idea"),
        "failing worker": ("function_failed", "nextWorker raised an exception: LookupError: no i"),
        "failing start": ("function_failed", "canStartBuild raised an exception: LookupError"),
        "nonsense": ("function_failed", "must return one of the requests"),
    }
    requests = {name: master.force(name) for name in expected}
    for name, (kind, sentence) in expected.items():
        assert sentence in master.waits(requests[name], kind), name
    page = master.fetch("").decode()
    master.let_go("slow")
    master.let_go("held")

    assert "lock database is held by locks #1" in page
    for request_id in (first, holder, requests["busy"], requests["locked"]):
        assert master.completed(request_id)["results"] == SUCCESS
    assert master.get(f"buildrequests/{first}/why") == []


def test_exclusive_and_counting_locks_of_builders(started: Callable[[str], InstalledMaster]):
    master = started("""
        c['workers'] = [worker.LocalWorker('local'), worker.LocalWorker('other')]
        alone = util.MasterLock('alone')
        two = util.MasterLock('two', maxCount=2)
        each = util.WorkerLock('each', maxCount=1)
        COUNT = f'''
            mkdir -p {HERE}/%(kw:name)s; touch {HERE}/%(kw:name)s/$$; ls {HERE}/%(kw:name)s | wc -l
            sleep 0.1; rm {HERE}/%(kw:name)s/$$'''
        def count(name):
            return steps.ShellCommand(command=util.Interpolate(COUNT, name=name), name='count',
                                      logEnviron=False)
        add('alone', count('alone'), locks=[alone.access('exclusive')])
        for n in range(3):
            add(f'two {n}', count('two'), locks=[two.access('counting')])
        add('each', count(util.Property('workername')), locks=[each.access('counting')],
            workernames=['local', 'other'])
        """)
    master.connected("local")
    master.connected("other")
    names = ("alone", "two 0", "two 1", "two 2", "each")

    requests = [master.force(name) for name in names for _ in range(4)]
    for request_id in requests:
        assert master.completed(request_id)["results"] == SUCCESS

    most: dict[str, int] = {}
    for name in names:
        for build in master.get(f"builders/{quote(name)}/builds"):
            together = int(master.output(build, "count")[0])
            most[name[:3]] = max(most.get(name[:3], 0), together)
    assert most == {"alo": 1, "two": 2, "eac": 1}


def test_locks_of_steps_are_held_for_the_step_only(started: Callable[[str], InstalledMaster]):
    master = started("""
        lock = util.MasterLock('lock')
        add('holder', blocking('held', locks=[lock.access('exclusive')]), blocking('free'))
        add('waiter', sh('echo got it', name='one', locks=[lock.access('exclusive')]))
        """)
    holder = master.force("holder")
    master.wait_for_file("held.running")
    waiter = master.force("waiter")
    build = master.running_build(waiter)
    step = eventually(
        "the step that waits",
        lambda: next((s for s in master.steps(build) if s["started_at"]), None),
    )

    assert step["locks_acquired_at"] is None
    master.let_go("held")
    assert master.completed(waiter)["results"] == SUCCESS
    assert not master.one(f"buildrequests/{holder}")["complete"]
    (build,) = master.builds_of(waiter)
    assert build["locks_duration_s"] >= 0
    assert master.step(build, "one")["locks_acquired_at"] is not None
    master.let_go("free")
    assert master.completed(holder)["results"] == SUCCESS


def test_a_build_that_waits_for_a_step_lock_can_be_stopped(
    started: Callable[[str], InstalledMaster],
):
    master = started("""
        lock = util.MasterLock('lock')
        add('holder', blocking('held', locks=[lock.access('exclusive')]))
        add('waiter', sh('echo got it', name='one', locks=[lock.access('exclusive')]))
        """)
    holder = master.force("holder")
    master.wait_for_file("held.running")
    waiter = master.force("waiter")
    build = master.running_build(waiter)
    eventually("the step", lambda: master.steps(build))

    master.order(f"builds/{build['buildid']}", "stop", reason="tired")
    assert master.completed(waiter)["results"] == CANCELLED
    master.let_go("held")

    assert master.completed(holder)["results"] == SUCCESS
    assert master.build("waiter")["results"] == SUCCESS


def test_equal_requests_are_collapsed(started: Callable[[str], InstalledMaster]):
    master = started(_ONE_AT_A_TIME + "c['collapseRequests'] = True\nadd('b', blocking('slow'))")
    first = master.force("b")
    master.wait_for_file("slow.running")
    others = [master.force("b") for _ in range(4)]
    different = master.force("b", branch="other")
    master.let_go("slow")

    results = [master.completed(request)["results"] for request in (first, *others, different)]

    assert results == [SUCCESS, 3, 3, 3, SUCCESS, SUCCESS]


_BAD_ORDERS: list[tuple[str, dict[str, Any], int, int]] = [
    ("builds/1", {"method": "frobnicate"}, 501, -32601),
    ("builds/999", {"method": "stop"}, 404, 0),
    ("buildrequests/999", {"method": "cancel"}, 404, 0),
    ("buildrequests/1", {"method": "set_priority", "params": {"priority": "high"}}, 400, -32602),
    ("buildrequests/1", {"method": "set_priority"}, 400, -32602),
    ("buildrequests/2", {"method": "set_priority", "params": {"priority": 10**30}}, 400, -32602),
    ("forceschedulers/force", {"method": "force", "params": {"priority": 10**30}}, 400, -32602),
    ("workers/nobody", {"method": "pause"}, 404, 0),
    ("forceschedulers/force", {"method": "force", "params": {"builderid": 99}}, 400, -32602),
    ("forceschedulers/none", {"method": "force"}, 404, 0),
    ("builders/1", {"method": "stop"}, 501, -32601),
    ("nonsense", {"method": "stop"}, 404, 0),
]


def test_bad_orders_are_refused_and_do_no_harm(started: Callable[[str], InstalledMaster]):
    master = started("add('b', sh('true'))\nadd('c', sh('true'), canStartBuild=lambda *_: False)")
    master.build("b")
    master.force("c")
    problems = []

    for path, call, status, code in _BAD_ORDERS:
        try:
            master.fetch(f"api/v2/{path}", {"jsonrpc": "2.0", "id": 1, "params": {}, **call})
        except Refused as refused:
            answer = refused.answer
            found = (
                answer["error"].get("code", 0)
                if isinstance(answer, dict) and isinstance(answer.get("error"), dict)
                else 0
            )
            if refused.status != status or (code and found != code):
                problems.append(f"{path} {call}: {refused}")
        else:
            problems.append(f"{path} {call}: accepted")

    assert problems == [], "\n".join(problems)
    assert master.build("b")["results"] == SUCCESS
    assert "Traceback" not in master.log


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("builds?nonsense=1", 400),
        ("builds?limit=x", 400),
        ("builds/abc", 404),
        ("nothing", 404),
        ("builders/none", 404),
        ("logs/77/raw", 404),
    ],
)
def test_bad_questions_are_refused(master: InstalledMaster, path: str, status: int):
    master.write("add('b', sh('true'))")
    master.start()

    with pytest.raises(Refused) as refused:
        master.get(path)

    assert refused.value.status == status
    assert json.dumps(refused.value.answer)
    assert set(refused.value.answer) == {"error"}
