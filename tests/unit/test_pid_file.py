"""The file that says which master runs in a directory."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from chargehand.app.failure import CommandFailed
from chargehand.cli.basedir import AlreadyRunning, PidFile


def test_a_master_may_come_and_go_while_others_look(tmp_path: Path):
    path = tmp_path / "twistd.pid"

    def come_and_go() -> None:
        for _ in range(300):
            master = PidFile(path)
            master.take()
            master.give_up()

    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(come_and_go)
        seen = set()
        while not coming.done():
            seen.add(PidFile(path).running())
        coming.result()

    assert seen <= {None, os.getpid()}
    assert PidFile(path).running() is None


def test_only_one_master_has_the_directory(tmp_path: Path):
    first, second = PidFile(tmp_path / "twistd.pid"), PidFile(tmp_path / "twistd.pid")
    first.take()

    with pytest.raises(AlreadyRunning, match=f"process {os.getpid()}"):
        second.take()

    assert second.running() == os.getpid()


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"\xff\xfe\x00", b"-1", b"12 34", b"\xd9\xa3", b"4194305", b"9" * 5000, b"0"],
)
def test_a_file_that_names_no_process_says_that_none_runs(tmp_path: Path, content: bytes):
    (tmp_path / "twistd.pid").write_bytes(content)

    assert PidFile(tmp_path / "twistd.pid").running() is None


_HOLD_LOCK = (
    "import fcntl, sys; f = open(sys.argv[1]); "
    "fcntl.flock(f, getattr(fcntl, sys.argv[2])); print(flush=True); sys.stdin.read()"
)


@pytest.fixture(params=["LOCK_EX", "LOCK_SH"])
def foreign_lock(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[tuple[Path, int]]:
    """A pid file with the number of a process that has ended, locked by another program."""
    path = tmp_path / "twistd.pid"
    ended = subprocess.Popen(["true"])
    ended.wait()
    path.write_text(f"{ended.pid}\n")
    command = [sys.executable, "-c", _HOLD_LOCK, str(path), request.param]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        yield path, holder.pid
        holder.kill()


def test_a_lock_of_another_program_is_no_master(foreign_lock: tuple[Path, int]):
    path, holder = foreign_lock

    with pytest.raises(CommandFailed, match=f"Process {holder} .* it is not a master") as failed:
        PidFile(path).take()
    assert "import fcntl" in str(failed.value)


def test_no_other_process_is_taken_for_the_master(foreign_lock: tuple[Path, int]):
    path, holder = foreign_lock

    try:
        running = PidFile(path).running()
    except CommandFailed as failed:
        assert f"Process {holder}" in str(failed)
    else:
        assert running is None


def test_a_directory_in_its_place_is_named(tmp_path: Path):
    path = tmp_path / "twistd.pid"
    path.mkdir()

    with pytest.raises(CommandFailed, match=f"cannot read {path}: Is a directory"):
        PidFile(path).running()


def test_a_fifo_in_its_place_is_named_at_once(tmp_path: Path):
    path = tmp_path / "twistd.pid"
    os.mkfifo(path)

    with pytest.raises(CommandFailed, match=f"{path}: It is a FIFO, not a regular file"):
        PidFile(path).running()
    with pytest.raises(OSError, match="not a regular file"):
        PidFile(path).take()
