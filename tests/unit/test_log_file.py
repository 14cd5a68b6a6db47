"""master.log is rotated by its size, follows what others do with it, and survives a full disk."""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chargehand.cli.log_file import LogFile

Log = Callable[..., None]


class Master:
    """Writes messages at the times that the test says."""

    def __init__(self, path: Path, *, max_size: int = 0, count: int | None = 10) -> None:
        self.file = LogFile(path, max_size=max_size, count=count)
        self.now = 1000.0

    def says(self, *words: object) -> None:
        record = logging.makeLogRecord({"msg": words[0], "args": words[1:], "created": self.now})
        self.file.handle(record)


def kept(path: Path) -> list[str]:
    """What is in the logs of a directory, oldest first."""
    logs = sorted(path.parent.glob(f"{path.name}*"), key=_age, reverse=True)
    return [line for log in logs for line in log.read_text().splitlines()]


def _age(path: Path) -> int:
    return int(path.suffix[1:]) if path.suffix[1:].isdigit() else 0


@settings(max_examples=30, deadline=None)
@given(
    lengths=st.lists(st.integers(0, 120), max_size=40),
    max_size=st.integers(1, 200),
    count=st.none() | st.integers(1, 4),
    restarts=st.sets(st.integers(0, 40)),
)
def test_no_log_is_larger_than_its_limit_and_the_newest_messages_are_kept(
    tmp_path_factory: pytest.TempPathFactory,
    lengths: list[int],
    max_size: int,
    count: int | None,
    restarts: set[int],
) -> None:
    path = tmp_path_factory.mktemp("log") / "master.log"
    master = Master(path, max_size=max_size, count=count)
    written = [f"{number:03d}{'x' * length}" for number, length in enumerate(lengths)]

    for number, words in enumerate(written):
        if number in restarts:
            master.file.close()
            master = Master(path, max_size=max_size, count=count)
        master.says(words)
    master.file.close()

    logs = list(path.parent.iterdir())
    assert all(log.stat().st_size <= max(max_size, 124) for log in logs)
    assert all(log.stat().st_size <= max_size or log.read_text().count("\n") == 1 for log in logs)
    assert len(logs) <= (1000 if count is None else count) + 1
    found = kept(path)
    assert found == written[len(written) - len(found) :]
    assert count is not None or found == written


@pytest.mark.parametrize(("max_size", "count"), [(0, 10), (10, 0)])
def test_without_a_limit_nothing_is_rotated(tmp_path: Path, max_size: int, count: int) -> None:
    master = Master(tmp_path / "master.log", max_size=max_size, count=count)

    for _ in range(5):
        master.says("some words")

    assert os.listdir(tmp_path) == ["master.log"]


def test_a_message_is_in_the_file_at_once_whatever_is_in_it(tmp_path: Path) -> None:
    path = tmp_path / "master.log"
    master = Master(path)

    master.says("a %s\udc80\n%d", "ü", 3)
    master.says("%d", "no number")
    master.says("b")

    assert path.read_bytes() == "a ü?\n3\nb\n".encode()


def test_a_file_that_is_moved_or_removed_is_begun_again_within_a_second(tmp_path: Path) -> None:
    path = tmp_path / "master.log"
    master = Master(path)
    master.says("first")
    path.rename(tmp_path / "moved")

    master.says("still there")
    master.now += 1.0
    master.says("second")
    path.unlink()
    master.now -= 3600.0  # the clock was set back
    master.says("third")

    assert (tmp_path / "moved").read_text() == "first\nstill there\n"
    assert path.read_text() == "third\n"


def test_a_file_that_was_cut_is_measured_again(tmp_path: Path) -> None:
    path = tmp_path / "master.log"
    master = Master(path, max_size=20)
    master.says("123456789012345678")
    os.truncate(path, 0)
    master.now += 1.0

    master.says("a")

    assert os.listdir(tmp_path) == ["master.log"]
    assert path.read_text() == "a\n"


def test_it_goes_on_in_the_same_file_when_it_cannot_be_rotated(tmp_path: Path) -> None:
    path = tmp_path / "master.log"
    master = Master(path, max_size=8, count=1)
    (tmp_path / "master.log.1" / "in the way").mkdir(parents=True)

    for words in "1234567", "a", "b":
        master.says(words)

    assert path.read_text() == "1234567\na\nb\n"


def test_without_its_directory_nothing_is_raised(tmp_path: Path) -> None:
    path = tmp_path / "gone" / "master.log"
    path.parent.mkdir()
    master = Master(path)
    master.says("a")
    path.unlink()
    path.parent.rmdir()
    master.now += 1.0

    master.says("b")
    path.parent.mkdir()
    master.now += 1.0
    master.says("c")

    assert path.read_text() == "c\n"


def test_messages_wait_while_the_disk_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "master.log"
    master = Master(path)
    write, room = os.write, 3

    def limited(file: int, data: bytes) -> int:
        nonlocal room
        if not room:
            raise OSError(errno.ENOSPC, "No space left on device")
        written = write(file, data[:room])
        room -= written
        return written

    monkeypatch.setattr(os, "write", limited)
    master.says("first")
    master.says("x" * 40_000)
    master.says("y" * 40_000)
    master.says("z" * 40_000)
    assert path.read_text() == "fir"

    room = 1_000_000
    master.says("last")

    assert path.read_text().splitlines() == [
        "first",
        "x" * 40_000,
        "last",
        "2 messages were lost because this file could not be written",
    ]


@pytest.mark.parametrize(
    ("before", "after", "logs"),
    [((0, 10), (10, 2), 3), ((10, 10), (None, None), 1), ((10, 10), (10, 0), 1)],
)
def test_other_limits_count_from_then_on(
    tmp_path: Path,
    before: tuple[int, int],
    after: tuple[int | None, int | None],
    logs: int,
) -> None:
    master = Master(tmp_path / "master.log", max_size=before[0], count=before[1])
    master.file.limit(*after)

    for number in range(6):
        master.says(f"line {number}")
    master.file.close()

    assert len(list(tmp_path.iterdir())) == logs
    assert (
        kept(tmp_path / "master.log")
        == [f"line {number}" for number in range(6)][-3 if logs == 3 else 0 :]
    )
