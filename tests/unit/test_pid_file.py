"""The file that says which master runs in a directory."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

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


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe\x00", b"-1", b"12 34", b"\xd9\xa3"])
def test_a_file_that_names_no_process_says_that_none_runs(tmp_path: Path, content: bytes):
    (tmp_path / "twistd.pid").write_bytes(content)

    assert PidFile(tmp_path / "twistd.pid").running() is None
