"""A worker on another machine, as a user has it: commands in a shell, a master, and a web port."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from connections import free_port
from installed_master import RETRY, SUCCESS, InstalledMaster
from waiting import PATIENCE, eventually

_AGENT = Path(__file__).parents[2] / "src" / "chargehand_worker"
_CONFIGURATION = """
    c['workers'] = [worker.Worker('arm-7', 'open sesame', max_builds=1)]
    c['buildbotURL'] = 'http://127.0.0.1/'
    add('b', sh('echo begun; n=0; while [ $n -lt 500 ]; do n=$((n+1)); echo $n; sleep 0.002; done; '
                'touch written; '
                f'while [ ! -e {HERE}/go ]; do sleep 0.05; done; echo end', name='chatty'),
        workernames=['arm-7'])
    """


class Worker:
    """The directory of a worker, and the command that controls it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def run(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-P", _AGENT, *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def link(self) -> int:
        """The process that talks to the master."""
        needle = b"\0link\0--control\0"
        for process in Path("/proc").iterdir():
            try:
                line = (process / "cmdline").read_bytes()
            except OSError:
                continue
            if needle in line and str(self.directory).encode() in line:
                return int(process.name)
        return 0


@pytest.fixture
def remote(tmp_path: Path) -> Iterator[Worker]:
    worker = Worker(tmp_path / "arm-7")
    yield worker
    worker.run("stop", worker.directory)


@pytest.mark.slow
def test_a_build_goes_on_while_its_worker_is_out_of_reach(master: InstalledMaster, remote: Worker):
    master.write(_CONFIGURATION)
    master.start()
    created = remote.run(
        *("create-worker", "--keepalive", "1", remote.directory),
        *(master.url, "arm-7", "open sesame"),
    )
    started = remote.run("start", remote.directory)
    assert created.returncode == started.returncode == 0, created.stderr + started.stderr
    assert started.stdout == f'worker "arm-7" is connected to {master.url}\n'

    request_id = master.force("b")
    build = master.running_build(request_id)
    eventually("output", lambda: master.steps(build) and "begun" in master.output(build, "chatty"))
    os.kill(remote.link(), signal.SIGKILL)
    os.kill(eventually("another link", remote.link), signal.SIGSTOP)
    waiting = master.force("b")
    sentence = master.waits(waiting, "workers_interrupted")
    (master.path / "go").touch()

    assert sentence.startswith("worker arm-7 lost its connection ")
    assert sentence.endswith(" s ago; its build keeps running")
    assert master.completed(request_id)["results"] == SUCCESS
    assert master.output(build, "chatty") == ["begun", *map(str, range(1, 501)), "end"]
    assert len(master.builds_of(request_id)) == 1


@pytest.mark.slow
def test_output_of_a_worker_whose_master_was_killed_is_kept(
    master: InstalledMaster, remote: Worker
):
    www = {"port": f"tcp:{free_port()}:interface=127.0.0.1"}
    master.write(f"{_CONFIGURATION}\n    c['www'] = {www}\n")
    master.start()
    remote.run("create-worker", remote.directory, master.url, "arm-7", "open sesame")
    remote.run("start", remote.directory)
    request_id = master.force("b")
    build = master.running_build(request_id)
    eventually("a log", lambda: master.steps(build) and master.logs(build, "chatty"))
    eventually("output", lambda: "begun" in master.output(build, "chatty"))

    master.kill()
    written = remote.directory / "b" / "build" / "written"
    eventually("the last line", written.exists)
    master.start()
    lines = ["begun", *map(str, range(1, 501))]
    eventually("what was kept", lambda: master.output(build, "chatty")[:501] == lines)
    (master.path / "go").touch()
    ended = master.completed(request_id)

    assert ended["results"] == SUCCESS
    assert master.output(build, "chatty") == lines
    assert "hcommand interrupted, attempting to kill" in master.lines(build, "chatty")
    assert [one["results"] for one in master.builds_of(request_id)] == [RETRY, SUCCESS]
