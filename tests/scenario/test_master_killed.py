"""Masters and workers killed while they build: nothing is lost, nothing is left."""

from __future__ import annotations

import contextlib
import os
import random
import signal
from typing import Any

import pytest
from connections import free_port
from installed_master import (
    RETRY,
    SUCCESS,
    InstalledMaster,
    is_alive,
)
from waiting import eventually

_ONE_BLOCKING_STEP = """
    add('b', sh('echo before', name='before'), blocking('slow'), sh('echo after', name='after'))
    """


def _begun(master: InstalledMaster, step: str = "slow") -> int:
    """Wait until the blocking step runs, and return its process."""
    pid = int(master.wait_for_file(f"{step}.running"))
    master.file(f"{step}.running").unlink()
    return pid


def test_a_killed_master_runs_the_request_again_and_leaves_no_process(master: InstalledMaster):
    master.write(_ONE_BLOCKING_STEP)
    master.start()
    request_id = master.force("b")
    process = _begun(master)
    running = master.running_build(request_id)
    eventually("its output", lambda: master.output(running, "slow"))

    master.kill()
    assert is_alive(process)
    master.start()
    _begun(master)
    assert not is_alive(process)
    master.let_go("slow")
    request = master.completed(request_id)

    assert request["results"] == SUCCESS
    first, second = master.builds_of(request_id)
    assert (first["complete"], first["results"]) == (True, RETRY)
    assert first["complete_at"] is not None
    assert "killed" in first["state_string"]
    assert all(step["complete"] for step in master.steps(first))
    assert [step["results"] for step in master.steps(first)] == [SUCCESS, RETRY]
    assert all(log["complete"] for log in master.logs(first, "slow").values())
    assert master.output(first, "slow") == ["begun"]
    assert "hcommand interrupted, attempting to kill" in master.lines(first, "slow")
    assert second["results"] == SUCCESS
    assert (second["number"], first["number"]) == (2, 1)
    assert "1 build was interrupted when the master was killed; retrying" in master.log


def test_a_killed_master_keeps_the_requests_that_waited(master: InstalledMaster):
    master.write(_ONE_BLOCKING_STEP)
    master.start()
    requests = [master.force("b") for _ in range(5)]
    _begun(master)

    master.kill()
    master.let_go("slow")
    master.start()

    assert [master.completed(request)["results"] for request in requests] == [SUCCESS] * 5
    assert not master.get("builds?complete=false")


@pytest.mark.slow
def test_a_master_that_is_killed_again_and_again_loses_nothing(master: InstalledMaster):
    master.write("""
        add('b', sh('echo one'), sh('echo two'), sh('sleep 0.1; echo three'))
        """)
    master.start()
    requests = [master.force("b") for _ in range(12)]
    for _ in range(3):
        eventually("a build", lambda: master.get("builds?complete=false"))
        master.kill()
        master.start()

    assert [master.completed(request)["results"] for request in requests] == [SUCCESS] * 12
    for request in requests:
        results = [build["results"] for build in master.builds_of(request)]
        assert results == [RETRY] * (len(results) - 1) + [SUCCESS]


def test_a_killed_agent_means_retry_and_its_processes_end(master: InstalledMaster):
    master.write(_ONE_BLOCKING_STEP)
    master.start()
    request_id = master.force("b")
    process = _begun(master)
    _guard, agent = master.agents()

    os.kill(agent, signal.SIGKILL)
    eventually("the end of the step's process", lambda: not is_alive(process))
    _begun(master)
    master.let_go("slow")
    request = master.completed(request_id)

    assert request["results"] == SUCCESS
    first, second = master.builds_of(request_id)
    assert (first["results"], second["results"]) == (RETRY, SUCCESS)
    assert "worker lost" in first["state_string"]
    assert [step["results"] for step in master.steps(first)] == [SUCCESS, RETRY]


def test_a_killed_agent_and_guard_mean_retry_and_no_process_is_left(master: InstalledMaster):
    master.write(_ONE_BLOCKING_STEP)
    master.start()
    request_id = master.force("b")
    process = _begun(master)

    for pid in master.agents():
        os.kill(pid, signal.SIGKILL)
    again = _begun(master)
    assert not is_alive(process)
    assert is_alive(again)
    master.let_go("slow")

    assert master.completed(request_id)["results"] == SUCCESS
    assert [build["results"] for build in master.builds_of(request_id)] == [RETRY, SUCCESS]


@pytest.mark.slow
def test_master_agent_and_guard_killed_together_leave_nothing_after_the_next_start(
    master: InstalledMaster,
):
    master.write("""
        add('b', sh(f'setsid sleep 1000 & echo $! > {HERE}/child; echo $$ > {HERE}/slow.running; '
                    f'while [ ! -e {HERE}/slow.go ]; do sleep 0.05; done', name='slow'))
        """)
    master.start()
    request_id = master.force("b")
    process = _begun(master)
    child = int(master.wait_for_file("child"))
    agents = master.agents()

    master.kill()
    for pid in agents:
        if is_alive(pid):
            os.kill(pid, signal.SIGKILL)
    master.start()
    _begun(master)
    assert not is_alive(process)
    assert not is_alive(child)
    master.let_go("slow")

    assert master.completed(request_id)["results"] == SUCCESS
    master.stop()
    assert not master.worker_processes()


@pytest.mark.slow
def test_an_agent_that_does_not_answer_loses_its_build_when_it_is_killed(master: InstalledMaster):
    master.write(_ONE_BLOCKING_STEP)
    master.start()
    request_id = master.force("b")
    _begun(master)
    _guard, agent = master.agents()
    os.kill(agent, signal.SIGSTOP)

    master.order("workers/local", "kill")
    eventually("the end of the agent", lambda: not is_alive(agent))
    eventually("RETRY", lambda: [b["results"] for b in master.builds_of(request_id)] == [RETRY])
    master.order("workers/local", "unpause")
    _begun(master)
    master.let_go("slow")

    assert master.completed(request_id)["results"] == SUCCESS


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_master_told_to_stop_gives_its_builds_back(
    master: InstalledMaster, number: signal.Signals
):
    master.write(_ONE_BLOCKING_STEP)
    master.start()
    request_id = master.force("b")
    process = _begun(master)

    master.signal(number)
    master.wait_for_end()
    assert not is_alive(process)
    assert not master.worker_processes()
    master.start()
    _begun(master)
    master.let_go("slow")
    request = master.completed(request_id)

    assert request["results"] == SUCCESS
    first, second = master.builds_of(request_id)
    assert (first["results"], second["results"]) == (RETRY, SUCCESS)
    assert "shutting down" in first["state_string"]


@pytest.mark.slow
def test_a_log_that_was_being_written_can_be_read_after_a_kill(master: InstalledMaster):
    master.write("""
        add('b', sh('i=0; while [ $i -lt 4000000 ]; do seq $i $((i + 999)); i=$((i + 1000)); done',
                    name='slow'))
        """)
    master.start()
    request_id = master.force("b")
    build = master.running_build(request_id)
    eventually("the step", lambda: master.steps(build))
    eventually("lines", lambda: master.logs(build, "slow")["stdio"]["num_lines"] > 300_000)

    master.kill()
    master.write("add('b', sh('true', name='slow'))")
    master.start()
    log = master.logs(build, "slow")["stdio"]
    *whole, last = master.output(build, "slow")

    assert [int(line) for line in whole] == list(range(len(whole)))
    assert str(len(whole)).startswith(last), "the command was killed while it wrote the last line"
    assert len(whole) > 300_000
    assert log["complete"]
    assert log["num_lines"] == len(master.lines(build, "slow"))
    assert master.completed(request_id)["results"] == SUCCESS


def _with_changes(master: InstalledMaster, scheduler: str) -> int:
    port = free_port()
    master.write(f"""
        c['change_source'] = [changes.PBChangeSource(port='tcp:{port}:interface=127.0.0.1')]
        c['schedulers'] = [schedulers.SingleBranchScheduler(name='main', builderNames=['b'],
                           change_filter=util.ChangeFilter(branch='main'), {scheduler})]
        add('b', sh('true', name='one'))
        """)
    return port


def _send(master: InstalledMaster, port: int, revision: str) -> None:
    where = ("--master", f"localhost:{port}", "--who", "me", "--branch", "main", "--vc", "git")
    ran = master.chargehand("sendchange", *where, "--revision", revision, "file.c")
    assert ran.status == 0, ran.text


def test_an_accepted_change_is_built_though_the_master_is_killed_at_once(master: InstalledMaster):
    port = _with_changes(master, "treeStableTimer=None")
    master.start()

    for revision in ("1", "2", "3"):
        _send(master, port, revision)
        master.kill()
        master.start()

    eventually(
        "three builds", lambda: len(master.get("buildrequests?complete=true&results=0")) == 3
    )
    revisions = [stamp["revision"] for stamp in master.get("sourcestamps?order=ssid")]
    assert revisions == ["1", "2", "3"]


@pytest.mark.slow
def test_a_tree_stable_timer_survives_a_kill(master: InstalledMaster):
    port = _with_changes(master, "treeStableTimer=2")
    master.start()
    _send(master, port, "1")
    _send(master, port, "2")
    master.kill()
    assert not master.is_running
    master.start()

    def newest() -> dict[str, Any] | None:  # On a busy machine the first may be built by itself.
        found = master.get("buildsets?complete=true&order=-bsid&limit=1")
        return next((one for one in found if one["sourcestamps"][0]["revision"] == "2"), None)

    assert eventually("the build of the last change", newest)["results"] == SUCCESS


@pytest.mark.slow
def test_what_ran_when_the_master_was_killed_is_not_shown_as_running(master: InstalledMaster):
    master.write(_ONE_BLOCKING_STEP)
    master.start()
    master.force("b")
    _begun(master)
    master.kill()
    master.write("add('other', sh('true'))")

    master.start()

    assert master.get("builds?complete=false") == []
    assert [worker["connected_to"] for worker in master.get("workers")] in (
        [[]],
        [[{"masterid": 1}]],
    )
    (request,) = master.get("buildrequests")
    assert (request["claimed"], request["complete"]) == (False, False)
    assert request["claimed_by_masterid"] is None


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_a_storm_of_kills_loses_no_request(master: InstalledMaster, seed: int):
    master.write("""
        c['workers'] = [worker.LocalWorker(f'w{n}', max_builds=3) for n in range(3)]
        lock = util.MasterLock('lock', maxCount=2)
        for n in range(6):
            add(f'b{n}', sh('echo one'), sh('seq 2000', locks=[lock.access('counting')]),
                sh('sleep 0.05; setsid sleep 0.1 & echo three'),
                workernames=['w0', 'w1', 'w2'])
        """)
    choice = random.Random(seed)
    master.start()
    requests = [master.force(f"b{n % 6}") for n in range(60)]

    for _ in range(12):
        done = len(master.get("builds?complete=true"))
        eventually(
            "a few builds",
            lambda done=done: (
                len(master.get("builds?complete=true")) > done + 1
                or not master.get("buildrequests?complete=false")
            ),
        )
        match choice.choice(("master", "agent", "both", "term", "reconfig")):
            case "master":
                master.kill()
                master.start()
            case "term":
                master.stop()
                master.start()
            case "reconfig":
                assert master.reconfig().status == 0
            case what:
                for pid in master.agents(choice.choice(("w0", "w1", "w2")))[what == "agent" :]:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)

    for request_id in requests:
        assert master.completed(request_id)["results"] == SUCCESS
        results = [build["results"] for build in master.builds_of(request_id)]
        assert results == [RETRY] * (len(results) - 1) + [SUCCESS]
    assert master.get("builds?complete=false") == []
    for build in master.get("builds"):
        steps = master.get(f"builds/{build['buildid']}/steps")
        assert all(step["complete"] for step in steps)
        for step in steps:
            logs = master.get(f"steps/{step['stepid']}/logs")
            assert all(log["complete"] for log in logs)
    assert all(one["complete"] for one in master.get("buildsets"))
    master.stop()
    assert not master.worker_processes()
