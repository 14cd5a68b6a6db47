"""Connections cut and masters killed while a command writes: its log is as if nothing happened."""

from __future__ import annotations

import os
import signal

import pytest
from connections import cut_connection
from installed_master import RETRY, SUCCESS, InstalledMaster, is_alive
from waiting import eventually

_CHATTY = """
    add('b', sh(f'echo $$ > {HERE}/chatty.running; n=0; while [ $n -lt 3000 ]; do n=$((n+1)); '
                f'echo $n; [ $((n % 10)) = 0 ] && sleep 0.01; done; true', name='chatty'))
    """
_ENDLESS = """
    add('b', sh(f'echo $$ > {HERE}/endless.running; n=0; while :; do n=$((n+1)); '
                f'echo $n; [ $((n % 10)) = 0 ] && echo $n > {HERE}/count && sleep 0.01; done',
                name='endless'))
    """


def _numbers(master: InstalledMaster, build: dict[str, object], step: str) -> list[int]:
    return [int(line) for line in master.output(build, step)]


def _count(master: InstalledMaster) -> int:
    """What the endless command has come to, as it says beside its output."""
    return int((master.path / "count").read_text().strip() or 0)


def test_a_cut_connection_costs_nothing(master: InstalledMaster):
    master.write(_CHATTY)
    master.start()
    request_id = master.force("b")
    process = int(master.wait_for_file("chatty.running"))
    _guard, agent = master.agents()
    build = master.running_build(request_id)

    for count in (100, 800, 1600):
        eventually(
            "lines",
            lambda count=count: master.steps(build) and len(master.lines(build, "chatty")) > count,
        )
        assert is_alive(process)
        cut_connection(agent)
    master.completed(request_id)

    (build,) = master.builds_of(request_id)
    assert build["results"] == SUCCESS
    assert _numbers(master, build, "chatty") == list(range(1, 3001))
    assert master.agents() == [_guard, agent]
    assert "worker local lost its connection" in master.log


def test_a_worker_whose_connection_is_cut_gets_no_new_build_and_says_why(
    master: InstalledMaster,
):
    master.write("""
        add('b', sh(f'touch {HERE}/slow.running; while [ ! -e {HERE}/slow.go ]; '
                    'do sleep 0.05; done', name='slow'))
        add('c', sh('true'))
        """)
    master.start()
    request_id = master.force("b")
    eventually("the step", lambda: (master.path / "slow.running").exists())
    _guard, agent = master.agents()
    os.kill(agent, signal.SIGSTOP)
    cut_connection(agent)

    waiting = master.force("c")
    sentence = master.waits(waiting, "workers_interrupted")
    os.kill(agent, signal.SIGCONT)
    master.let_go("slow")

    assert sentence.startswith("worker local lost its connection ")
    assert sentence.endswith(" s ago; its build keeps running")
    assert master.completed(request_id)["results"] == SUCCESS
    assert master.completed(waiting)["results"] == SUCCESS
    assert len(master.builds_of(request_id)) == 1


@pytest.mark.slow
def test_what_was_written_while_no_master_was_there_is_in_the_log_once(master: InstalledMaster):
    master.write(_ENDLESS)
    master.start()
    request_id = master.force("b")
    process = int(master.wait_for_file("endless.running"))
    build = master.running_build(request_id)
    eventually("lines", lambda: master.steps(build) and _numbers(master, build, "endless"))

    master.kill()
    before = _count(master)
    eventually("more lines, which nobody hears", lambda: _count(master) > before + 300)
    agents = master.agents()
    assert is_alive(process)
    assert all(map(is_alive, agents))
    master.write("add('b', sh('true', name='endless'))")
    master.start()

    assert not is_alive(process)
    assert not any(map(is_alive, agents))
    numbers = _numbers(master, build, "endless")
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) > before + 300
    lines = master.lines(build, "endless")
    assert lines.count("hcommand interrupted, attempting to kill") == 1
    assert lines[-1].startswith("helapsedTime=")
    log = master.logs(build, "endless")["stdio"]
    assert (log["complete"], log["num_lines"]) == (True, len(lines))
    assert master.completed(request_id)["results"] == SUCCESS
    assert [one["results"] for one in master.builds_of(request_id)] == [RETRY, SUCCESS]


@pytest.mark.slow
def test_masters_killed_again_and_again_lose_and_double_no_line(master: InstalledMaster):
    master.write(_ENDLESS)
    master.start()
    request_id = master.force("b")
    for count in (1, 2, 3):
        master.wait_for_file("endless.running")
        eventually("the build", lambda count=count: len(master.builds_of(request_id)) == count)
        build = master.running_build(request_id)
        eventually(
            "lines", lambda build=build: master.steps(build) and master.lines(build, "endless")
        )
        (master.path / "endless.running").unlink()
        master.kill()
        master.start()
    master.wait_for_file("endless.running")

    for build in master.builds_of(request_id)[:-1]:
        numbers = _numbers(master, build, "endless")
        assert numbers == list(range(1, len(numbers) + 1))
        assert master.lines(build, "endless")[-1].startswith("helapsedTime=")
        assert build["results"] == RETRY


def test_an_agent_ends_by_itself_when_no_master_comes(master: InstalledMaster):
    workers = "    c['workers'] = [worker.LocalWorker('local', reconnect_timeout=0.5)]\n"
    master.write(_ENDLESS.rstrip(" ") + workers)
    master.start()
    master.force("b")
    process = int(master.wait_for_file("endless.running"))

    master.kill()

    eventually("the end of the command", lambda: not is_alive(process))
    eventually("the end of all processes", lambda: not master.worker_processes())


def test_a_stopped_master_ends_its_agents(master: InstalledMaster):
    master.write(_ENDLESS)
    master.start()
    master.force("b")
    process = int(master.wait_for_file("endless.running"))

    master.stop()

    assert not is_alive(process)
    assert not master.worker_processes()
