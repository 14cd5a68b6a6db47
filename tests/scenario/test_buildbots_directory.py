"""A directory that was Buildbot's: what is in it stays whole."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator

import pytest
from installed_master import SUCCESS, InstalledMaster, is_alive
from waiting import PATIENCE

_TAC = """\
import os
from twisted.application import service
from buildbot.master import BuildMaster

basedir = '.'
rotateLength = 10000000
maxRotatedFiles = 10
configfile = 'other.cfg'
umask = None
if basedir == '.':
    basedir = os.path.abspath(os.path.dirname(__file__))
raise RuntimeError('this file is not executed')
"""


@pytest.fixture
def buildbots_master(master: InstalledMaster) -> Iterator[subprocess.Popen[bytes]]:
    """A process like Buildbot's: it works in its directory, and takes no lock."""
    process = subprocess.Popen(
        [sys.executable, "-c", "input()"], cwd=master.path, stdin=subprocess.PIPE
    )
    master.file("twistd.pid").write_text(f"{process.pid}\n")
    yield process
    process.kill()
    process.wait()


def test_beside_a_running_buildbot_nothing_starts_and_nothing_is_touched(
    master: InstalledMaster, buildbots_master: subprocess.Popen[bytes]
):
    master.write("add('b', sh('true'))")
    master.file("twistd.log").write_text("Buildbot writes here\n")

    ran = master.try_start()

    assert ran.status == 1
    assert f"already running in {master.path} (process {buildbots_master.pid})" in ran.err
    assert master.pid == buildbots_master.pid
    assert not master.file("twistd.log").is_symlink()
    assert "is Buildbot's" in master.reconfig().err
    assert is_alive(buildbots_master.pid)


def test_stop_stops_a_running_buildbot(
    master: InstalledMaster, buildbots_master: subprocess.Popen[bytes]
):
    master.write("add('b', sh('true'))")

    ran = master.chargehand("stop", "--no-wait", str(master.path))

    assert ran.status == 0
    assert buildbots_master.wait(timeout=PATIENCE) < 0


@pytest.mark.slow
def test_buildbots_settings_are_read_and_its_log_and_database_are_kept(master: InstalledMaster):
    with sqlite3.connect(master.file("state.sqlite")) as database:
        database.execute("create table migrate_version (version integer)")
    master.file("twistd.log").write_text("Buildbot wrote this\n")
    master.file("buildbot.tac").write_text(_TAC)
    master.write("add('b', sh('true'))")
    master.file("master.cfg").rename(master.file("other.cfg"))

    ran = master.chargehand("run", "b", "--config", str(master.path))
    refused = master.try_start()
    with master.file("other.cfg").open("a") as config:
        config.write("c['db'] = {'db_url': 'sqlite:///chargehand.sqlite'}\n")
    master.start()

    assert ran.status == 0, ran.text
    assert refused.status == 1
    assert "c['db'] = {'db_url': 'sqlite:///chargehand.sqlite'}" in refused.err
    assert master.build("b")["results"] == SUCCESS
    assert master.file("twistd.log.before-chargehand").read_text() == "Buildbot wrote this\n"
    with sqlite3.connect(master.file("state.sqlite")) as database:
        assert database.execute("select name from sqlite_master").fetchall() == [
            ("migrate_version",)
        ]
