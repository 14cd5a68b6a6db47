"""Stopping in all its ways, and starts that are refused."""

from __future__ import annotations

import signal
import socket

import pytest
from connections import free_port
from installed_master import SUCCESS, InstalledMaster
from waiting import eventually

_BLOCKING = "add('b', blocking('slow'))"


def test_a_clean_stop_waits_for_the_build_and_leaves_the_rest_in_the_queue(
    master: InstalledMaster,
):
    master.write("c['workers'] = [worker.LocalWorker('local', max_builds=1)]\n" + _BLOCKING)
    master.start()
    running, waiting = master.force("b"), master.force("b")
    master.wait_for_file("slow.running")

    ran = master.chargehand("stop", "--clean", "--no-wait", str(master.path))
    assert ran.status == 0
    assert master.waits(waiting, "master_stopping")
    assert master.is_running
    master.let_go("slow")
    master.wait_for_end()
    master.start()

    assert master.completed(waiting)["results"] == SUCCESS
    assert [build["results"] for build in master.builds_of(running)] == [SUCCESS]


def test_usr1_stops_an_idle_master_at_once(master: InstalledMaster):
    master.write(_BLOCKING)
    master.start()

    master.signal(signal.SIGUSR1)

    master.wait_for_end()
    assert "the master has stopped" in master.log
    assert not master.file("twistd.pid").exists()


def test_term_ends_the_wait_of_a_clean_stop(master: InstalledMaster):
    master.write(_BLOCKING)
    master.start()
    master.force("b")
    master.wait_for_file("slow.running")

    master.signal(signal.SIGUSR1)
    eventually("the order in the log", lambda: "starting no more builds" in master.log)
    master.stop()

    assert not master.is_running
    assert not master.worker_processes()


def test_a_second_start_is_refused(master: InstalledMaster):
    master.write(_BLOCKING)
    master.start()
    pid = master.pid

    again = master.try_start()
    in_front = master.chargehand("start", "--nodaemon", str(master.path))

    for refused in (again, in_front):
        assert refused.status == 1
        assert f"A master is already running in {master.path} (process {pid})" in refused.err
        assert "chargehand stop" in refused.err
        assert "Traceback" not in refused.text
    assert master.pid == pid
    assert master.get("builders")


def test_a_stale_pid_file_does_not_matter(master: InstalledMaster):
    master.write(_BLOCKING)
    master.file("twistd.pid").write_text("1\n")

    stopped = master.chargehand("stop", str(master.path))
    master.start()

    assert (stopped.status, stopped.out) == (0, f"No master is running in {master.path}.\n")
    assert master.pid != 1


def test_a_start_without_a_configuration_says_what_to_do(master: InstalledMaster):
    created = master.chargehand("create-master", str(master.path))

    ran = master.try_start()

    assert created.status == 0
    assert ran.status == 1
    assert f'"{master.path}/master.cfg" does not exist' in ran.err
    assert "master.cfg.sample" in ran.err


def test_the_sample_configuration_starts(master: InstalledMaster):
    master.chargehand("create-master", str(master.path))
    text = master.file("master.cfg.sample").read_text()
    master.write_raw(text.replace("8010", str(free_port())))
    master.start()

    assert master.get("builders")


def test_a_directory_that_is_not_a_masters_is_refused(master: InstalledMaster):
    for command in ("start", "stop", "restart", "reconfig", "upgrade-master"):
        ran = master.chargehand(command, str(master.path))

        assert ran.status == 1, command
        assert "is not a master's directory" in ran.err
        assert "Traceback" not in ran.text


@pytest.mark.slow
def test_a_restart_runs_the_new_configuration(master: InstalledMaster):
    master.write("add('old', sh('true'))")
    master.start()
    pid = master.pid
    master.write("add('new', sh('true'))")

    ran = master.chargehand("restart", str(master.path))

    assert ran.status == 0, ran.text
    assert master.pid != pid
    builders = {one["name"]: one["masterids"] for one in master.get("builders")}
    assert builders == {"old": [], "new": [1]}


def test_a_stopped_master_says_no_more_and_holds_its_port_no_longer(master: InstalledMaster):
    master.write("add('b', sh('true'))")
    master.start()
    port = int(master.url.rpartition(":")[2])
    assert master.build("b")["results"] == SUCCESS

    master.stop()

    with socket.create_server(("127.0.0.1", port)):
        pass
    assert not master.worker_processes()
    assert "ERROR" not in master.log
    assert "Traceback" not in master.log
