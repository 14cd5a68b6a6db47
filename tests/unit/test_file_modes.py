"""A master's files are closed to others."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner

from chargehand.cli.basedir import PidFile
from chargehand.cli.create_master import create_master, upgrade_master
from chargehand.cli.file_modes import keep_private


@pytest.fixture(autouse=True)
def _same_umask():
    before = os.umask(0o022)
    yield
    os.umask(before)


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize(("umask", "expected"), [(None, 0o600), (0o027, 0o640), (0o022, 0o644)])
def test_what_is_there_and_what_comes_is_closed(
    tmp_path: Path, umask: int | None, expected: int
) -> None:
    old = [tmp_path / name for name in ("state.sqlite", "state.sqlite-wal", "twistd.log.1")]
    for path in old:
        path.touch(0o644)

    keep_private(tmp_path, umask)
    new = tmp_path / "new"
    new.touch()

    assert {_mode(path) for path in (*old, new)} == {expected}


def test_a_new_master_is_closed_and_is_not_upgraded_while_it_runs(tmp_path: Path) -> None:
    made = CliRunner().invoke(create_master, [str(tmp_path / "m"), "-q"])
    assert made.exit_code == 0, made.output

    open_to_others = [path for path in (tmp_path / "m").rglob("*") if _mode(path) & 0o077]
    pid_file = PidFile(tmp_path / "m" / "twistd.pid")
    pid_file.take()
    refused = CliRunner().invoke(upgrade_master, [str(tmp_path / "m")])
    pid_file.give_up()

    assert open_to_others == []
    assert refused.exit_code != 0
    assert "A master runs in" in str(refused.exception)
