"""Files are copied by the kernel, or by hand where it cannot."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from chargehand_worker.copying import copy, open_for_copies, widen

LONG = 10_000_001


def _copied(source: Path, target: Path, length: int | None = None) -> list[int]:
    sizes: list[int] = []
    target.touch()
    from_, to = os.open(source, os.O_RDONLY), open_for_copies(str(target))
    try:
        assert copy(from_, to, sizes.append, length) == sum(sizes)
    finally:
        os.close(from_)
        os.close(to)
    return sizes


@pytest.fixture(params=["by the kernel", "by hand", "refused"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How it is copied."""
    if request.param == "by hand":
        monkeypatch.delattr(os, "copy_file_range")
    elif request.param == "refused":
        monkeypatch.setattr(os, "copy_file_range", _refusing(errno.EXDEV))
    return str(request.param)


def _refusing(code: int) -> Callable[..., int]:
    def refuse(*_: object) -> int:
        raise OSError(code, os.strerror(code))

    return refuse


@pytest.mark.parametrize("length", [None, 0, 5, LONG])
@pytest.mark.usefixtures("way")
def test_all_or_so_much_is_copied(tmp_path: Path, length: int | None):
    content = os.urandom(LONG)
    (tmp_path / "source").write_bytes(content)

    _copied(tmp_path / "source", tmp_path / "target", length)

    assert (tmp_path / "target").read_bytes() == content[
        : len(content) if length is None else length
    ]


def test_files_without_a_size_are_copied(tmp_path: Path):
    _copied(Path("/proc/version"), tmp_path / "target")

    assert (tmp_path / "target").read_bytes() == Path("/proc/version").read_bytes()


def test_what_the_copying_is_not_allowed_ends_it(tmp_path: Path):
    (tmp_path / "source").write_bytes(bytes(LONG))
    (tmp_path / "target").touch()
    from_ = os.open(tmp_path / "source", os.O_RDONLY)
    to = open_for_copies(str(tmp_path / "target"))

    def refuse(size: int) -> None:
        raise InterruptedError(errno.EINTR, "interrupted")

    with pytest.raises(InterruptedError):
        copy(from_, to, refuse)
    os.close(from_)
    os.close(to)


def test_other_errors_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "source").write_bytes(b"x")
    monkeypatch.setattr(os, "copy_file_range", _refusing(errno.ENOSPC))

    with pytest.raises(OSError, match="No space"):
        _copied(tmp_path / "source", tmp_path / "target")


def test_a_file_to_copy_to_must_exist_and_be_no_link(tmp_path: Path):
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "file").touch()
    for name in ("missing", "link"):
        with pytest.raises(OSError):
            open_for_copies(str(tmp_path / name))


def test_a_pipe_that_cannot_be_widened_is_left_alone(tmp_path: Path):
    (tmp_path / "file").touch()
    file = os.open(tmp_path / "file", os.O_RDONLY)
    widen(file)
    os.close(file)
