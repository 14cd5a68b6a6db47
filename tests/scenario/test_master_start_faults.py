"""What may be wrong with the machine when a master starts: it says so, ends, and leaves nothing."""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from installed_master import InstalledMaster, Ran
from waiting import PATIENCE, eventually

_BUILDER = "add('b', sh('true'))"


def _is_refused(master: InstalledMaster, ran: Ran) -> str:
    """Check that the start failed cleanly, and return what it said."""
    assert ran.status == 1, ran.text + master.log
    assert "Traceback" not in ran.text + master.log
    assert not master.is_running
    assert not master.file("twistd.pid").exists()
    assert not master.worker_processes()
    return ran.err


@pytest.fixture
def read_only(master: InstalledMaster):
    """Make files read-only, for root as well; they are writable again in the end."""
    made: list[Path] = []

    def make(path: Path) -> None:
        if os.geteuid() == 0:
            if os.system(f"chattr +i {path} 2>/dev/null") != 0:
                pytest.skip("root cannot make a file read-only here")
            made.append(path)
        else:
            path.chmod(0o444)

    yield make
    for path in made:
        os.system(f"chattr -i {path}")


@pytest.mark.parametrize("in_front", [False, True])
def test_a_port_in_use_is_said(master: InstalledMaster, in_front: bool):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        master.write(_BUILDER + f"\nc['www']['port'] = 'tcp:{port}:interface=127.0.0.1'")

        more = ["--nodaemon"] if in_front else []
        said = _is_refused(master, master.chargehand("start", *more, str(master.path)))

    assert f"cannot listen on 127.0.0.1:{port}: Address already in use" in said
    assert "c['www']['port']" in said


def test_a_reconfiguration_to_a_port_in_use_changes_nothing(master: InstalledMaster):
    master.write(_BUILDER)
    master.start()
    before = master.url
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        master.write(
            f"add('other', sh('true'))\nc['www']['port'] = 'tcp:{port}:interface=127.0.0.1'"
        )

        ran = master.reconfig()

    assert ran.status == 1
    assert f"cannot listen on 127.0.0.1:{port}" in ran.err
    assert master.url == before
    assert [one["name"] for one in master.get("builders")] == ["b"]
    assert master.build("b")["results"] == 0


def test_a_newer_schema_is_refused(master: InstalledMaster):
    master.write(_BUILDER)
    master.start()
    master.stop()
    master.file("master.log").unlink()
    with sqlite3.connect(master.file("state.sqlite")) as database:
        database.execute("update chargehand_schema set version_num = '9999'")

    said = _is_refused(master, master.try_start())

    assert "revision 9999, which is newer than this version supports" in said
    assert "restore a backup" in said


def test_a_database_of_buildbot_is_refused(master: InstalledMaster):
    master.write(_BUILDER)
    with sqlite3.connect(master.file("state.sqlite")) as database:
        database.execute("create table migrate_version (version integer)")

    said = _is_refused(master, master.try_start())

    assert "another program" in said


def test_a_file_that_is_no_database_is_refused(master: InstalledMaster):
    master.write(_BUILDER)
    master.file("state.sqlite").write_text("these are my notes\n" * 100)

    said = _is_refused(master, master.try_start())

    assert "state.sqlite" in said
    assert "not a database" in said
    assert master.file("state.sqlite").read_text().startswith("these are my notes")


@pytest.mark.slow
def test_a_read_only_database_is_refused(master: InstalledMaster, read_only):
    master.write(_BUILDER)
    master.start()
    master.stop()
    master.file("master.log").unlink()
    read_only(master.file("state.sqlite"))

    said = _is_refused(master, master.try_start())

    assert "state.sqlite" in said
    assert "read" in said.lower() or "permission" in said.lower() or "unable to open" in said


def test_a_database_in_a_directory_that_is_not_there_is_refused(master: InstalledMaster):
    master.write(_BUILDER + "\nc['db_url'] = 'sqlite:////no/such/place/state.sqlite'")

    said = _is_refused(master, master.try_start())

    assert "database sqlite:////no/such/place/state.sqlite: " in said
    assert "check that its directory exists" in said


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("nonsense", "the database URL is not valid"),
        ("oracle://u@h/d", "oracle"),
        ("frobnicate:///x", "frobnicate"),
    ],
)
def test_a_database_url_that_means_nothing_is_refused(
    master: InstalledMaster, url: str, expected: str
):
    master.write(_BUILDER + f"\nc['db_url'] = {url!r}")

    assert expected in _is_refused(master, master.try_start())


@pytest.mark.slow
def test_a_locked_database_is_refused(master: InstalledMaster):
    master.write(_BUILDER + "\nc['db_url'] = 'sqlite:///state.sqlite'")
    master.start()
    master.stop()
    master.file("master.log").unlink()
    holder = sqlite3.connect(master.file("state.sqlite"))
    holder.execute("begin immediate")
    try:
        said = _is_refused(master, master.try_start())
    finally:
        holder.close()

    assert "lock" in said


def test_a_worker_directory_that_cannot_be_made_does_not_hurt_the_master(master: InstalledMaster):
    master.write(_BUILDER)
    master.file("workers").write_text("in the way")

    ran = master.try_start()
    request_id = master.force("b")

    assert "none of its workers is connected" in master.waits(request_id, "no_worker_connected")
    assert "cannot start worker local" in master.log
    assert "Traceback" not in master.log
    # Workers start meanwhile: `start` may be ready before one has failed.
    assert ran.status in (0, 3)
    assert ("worker local is not running" in ran.err) is (ran.status == 3)


@pytest.mark.parametrize("name", ["twistd.pid", "master.log"])
def test_a_file_that_cannot_be_written_is_said(master: InstalledMaster, name: str):
    master.write(_BUILDER)
    master.file(name).mkdir()

    ran = master.try_start()

    assert ran.status == 1
    assert f"{master.file(name)}: Is a directory" in ran.err
    assert "Traceback" not in ran.err
    master.file(name).rmdir()


def test_signals_while_the_master_starts_do_not_kill_it(master: InstalledMaster):
    master.write(
        "import os, signal\n"
        "for number in (signal.SIGHUP, signal.SIGHUP):\n"
        "    os.kill(os.getpid(), number)\n" + _BUILDER
    )

    master.start()

    eventually("the update", lambda: "configuration update complete" in master.log)
    assert master.build("b")["results"] == 0


def test_a_master_told_to_stop_while_it_starts_stops(master: InstalledMaster):
    master.write("import os, signal\nos.kill(os.getpid(), signal.SIGTERM)\n" + _BUILDER)

    master.try_start()

    master.wait_for_end()
    assert "the master has stopped" in master.log
    assert not master.worker_processes()


def test_of_many_starts_at_once_one_wins(master: InstalledMaster):
    master.write(_BUILDER)
    command = [sys.executable, "-m", "chargehand.cli.main", "start", str(master.path)]
    starts = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(4)
    ]

    ended = [(start.communicate(timeout=PATIENCE), start.returncode) for start in starts]

    assert sorted(status for _, status in ended) == [0, 1, 1, 1]
    for (_, err), status in ended:
        assert not status or "is already running in" in err, err
    assert master.build("b")["results"] == 0


def test_a_worker_directory_that_vanishes_is_made_again(master: InstalledMaster):
    master.write(_BUILDER)
    master.start()
    assert master.build("b")["results"] == 0

    shutil.rmtree(master.file("workers"))

    assert master.build("b")["results"] == 0


@pytest.mark.slow
def test_a_database_that_is_locked_for_a_while_delays_builds(master: InstalledMaster):
    master.write(_BUILDER + "\nadd('slow', blocking('slow'))")
    master.start()
    request_id = master.force("slow")
    master.wait_for_file("slow.running")
    holder = sqlite3.connect(master.file("state.sqlite"))
    holder.execute("begin immediate")

    master.let_go("slow")
    eventually("the fault", lambda: "has locked the database" in master.log)
    holder.close()

    assert master.completed(request_id)["results"] == 0
    assert "the database is available again" in master.log
    assert master.build("b")["results"] == 0
