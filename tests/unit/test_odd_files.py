"""A FIFO, a device, a directory or a socket instead of a file is named, and never waited for."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from click.testing import CliRunner

from chargehand.app.failure import CommandFailed
from chargehand.cli.basedir import Basedir, open_basedir
from chargehand.cli.check_configuration import checkconfig
from chargehand.cli.log_output import log_to
from chargehand.cli.remote.master import Place, reached
from chargehand.store.engine.engines import resolved
from chargehand.store.errors import DatabaseUnavailable

ODD = {
    "FIFO": "It is a FIFO, not a regular file",
    "device": "It is a device, not a regular file",
    "directory": "Is a directory",
    "socket": "It is a socket, not a regular file",
    "bytes": "",
}


def put(kind: str, path: Path) -> None:
    match kind:
        case "FIFO":
            os.mkfifo(path)
        case "device":
            path.symlink_to("/dev/zero")
        case "directory":
            path.mkdir()
        case "socket":
            os.chdir(path.parent)  # addresses of sockets are short
            with socket.socket(socket.AF_UNIX) as one:
                one.bind(path.name)
        case _:
            path.write_bytes(b"\xff\xfe\0")


@pytest.fixture(autouse=True)
def in_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("kind", ODD)
def test_odd_settings_are_named(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "buildbot.tac"
    put(kind, path)

    with pytest.raises(CommandFailed) as failed:
        open_basedir(tmp_path)

    assert str(failed.value) == f"cannot read {path}: {ODD[kind] or 'It is not text in UTF-8'}"


@pytest.mark.parametrize("kind", ODD)
def test_an_odd_configuration_is_named(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "master.cfg"
    put(kind, path)

    ran = CliRunner().invoke(checkconfig, [str(tmp_path)], standalone_mode=False)

    assert isinstance(ran.exception, CommandFailed)
    words = ODD[kind] and f'cannot read configuration file "{path}": {ODD[kind]}'
    assert (words or "null bytes") in str(ran.exception)


def test_a_log_that_is_a_fifo_without_a_reader_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "master.log")

    with pytest.raises(OSError, match="a FIFO or a socket that nobody reads"):
        log_to(Basedir(path=tmp_path), terminal=False)


@pytest.mark.parametrize("kind", ["FIFO", "device", "directory", "socket"])
def test_an_odd_database_is_named(kind: str, tmp_path: Path) -> None:
    put(kind, tmp_path / "state.sqlite")

    with pytest.raises(DatabaseUnavailable, match=ODD[kind]):
        resolved("sqlite:///state.sqlite", tmp_path)


@pytest.mark.parametrize(
    ("put_there", "said"),
    [
        (lambda path: None, "No master is running in {}. To start it: chargehand start {}"),
        (
            lambda path: path.write_text("what?"),
            "No master is running in {} (twistd.pid does not have the number of a process: "
            "'what?'). To start it: chargehand start {}",
        ),
        (
            lambda path: path.write_text("4194304"),
            "No master is running in {} (twistd.pid names process 4194304, which is not a running "
            "master of this directory). To start it: chargehand start {}",
        ),
        (
            os.mkfifo,
            "cannot read {}/twistd.pid: It is a FIFO, not a regular file. If no master is running "
            "in {}, remove it.",
        ),
        (
            os.mkdir,
            "cannot read {}/twistd.pid: Is a directory. If no master is running in {}, remove it.",
        ),
    ],
)
async def test_commands_say_what_is_wrong_with_a_pid_file(put_there, said, tmp_path: Path) -> None:
    (tmp_path / "master.cfg").touch()
    put_there(tmp_path / "twistd.pid")

    with pytest.raises(CommandFailed) as failed:
        async with reached(Place(url=None, directory=tmp_path)):
            pass

    assert str(failed.value) == said.format(tmp_path, tmp_path)
