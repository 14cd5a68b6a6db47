"""Directories that a worker on the master's machine copies, and how the master places them."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buildbot.steps.placing import LeadsOutside, place_tree, staging_directory
from buildbot.steps.unpacking import tarfile
from chargehand_worker.trees import copy_tree

NAMES = st.sampled_from(["a", "b c", "caf\xe9", "..d", "-e"])
TREES = st.recursive(
    st.one_of(st.binary(max_size=20), st.sampled_from(["a", "./b c", "../a"])),
    lambda inner: st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


def _write(directory: Path, tree: dict) -> None:
    directory.mkdir(exist_ok=True)
    for name, content in tree.items():
        if isinstance(content, dict):
            _write(directory / name, content)
        elif isinstance(content, bytes):
            (directory / name).write_bytes(content)
        else:
            (directory / name).symlink_to(content)


def _seen(directory: Path) -> dict[str, object]:
    found: dict[str, object] = {}
    for path in sorted(directory.rglob("*")):
        status = path.lstat()
        content = path.readlink() if path.is_symlink() else path.is_file() and path.read_bytes()
        time = None if path.is_symlink() else status.st_mtime_ns
        found[str(path.relative_to(directory))] = (stat.S_IFMT(status.st_mode), content, time)
    return found


def _bring(source: Path, target: Path) -> None:
    stage = staging_directory(target)
    copy_tree(source, stage, lambda _: None)
    place_tree(stage, target)


@given(tree=st.dictionaries(NAMES, TREES, max_size=4))
def test_a_directory_arrives_as_it_was(tmp_path_factory: pytest.TempPathFactory, tree: dict):
    root = tmp_path_factory.mktemp("tree")
    _write(root / "source", tree)
    target = root / "deep" / "target"

    try:
        _bring(root / "source", target)
    except LeadsOutside:  # As the archive would be refused.
        assert not target.exists()
        with tarfile.open(root / "archive", "w") as archive:
            archive.add(root / "source", arcname=".")
        with (
            tarfile.open(root / "archive") as archive,
            pytest.raises(tarfile.FilterError),
        ):
            archive.extractall(root / "unpacked", filter="data")
    else:
        assert _seen(target) == _seen(root / "source")
        assert [path.name for path in target.parent.iterdir()] == ["target"]


def test_what_is_there_is_kept_or_replaced(tmp_path: Path):
    _write(tmp_path / "source", {"old": b"new", "deep": {"x": b"x"}, "link": "old"})
    _write(tmp_path / "target", {"old": b"old", "kept": b"kept", "deep": {"y": b"y"}})
    (tmp_path / "elsewhere").write_bytes(b"elsewhere")
    (tmp_path / "target" / "link").symlink_to(tmp_path / "elsewhere")

    _bring(tmp_path / "source", tmp_path / "target")

    found = {
        str(path.relative_to(tmp_path / "target")): path.read_bytes()
        for path in (tmp_path / "target").rglob("*")
        if path.is_file()
    }
    assert found == {
        "old": b"new",
        "kept": b"kept",
        "link": b"new",
        "deep/x": b"x",
        "deep/y": b"y",
    }
    assert (tmp_path / "elsewhere").read_bytes() == b"elsewhere"


@pytest.mark.parametrize("pointed", ["/etc", "..", "deep/../../..", "up/..", "old/../out"])
def test_nothing_is_placed_if_a_link_leads_out(tmp_path: Path, pointed: str):
    (tmp_path / "far" / "deep").mkdir(parents=True)
    target = tmp_path / "target"
    target.mkdir()
    (target / "old").symlink_to(tmp_path / "far" / "deep")
    _write(tmp_path / "source", {"a": b"", "deep": {}, "up": ".", "link": pointed})

    with pytest.raises(LeadsOutside, match="'link'"):
        _bring(tmp_path / "source", target)

    assert sorted(os.listdir(target)) == ["old"]


def test_nothing_is_written_through_a_link_that_is_there(tmp_path: Path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "target").mkdir()
    (tmp_path / "target" / "deep").symlink_to(tmp_path / "outside")
    _write(tmp_path / "source", {"deep": {"x": b"x"}})

    with pytest.raises(LeadsOutside, match="deep"):
        _bring(tmp_path / "source", tmp_path / "target")

    assert not os.listdir(tmp_path / "outside")


def test_files_that_are_one_stay_one_and_sockets_are_left_out(tmp_path: Path):
    source = tmp_path / "source"
    _write(source, {"a": b"x" * 100})
    os.link(source / "a", source / "b")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(source / "socket"))
    sizes: list[int] = []

    copy_tree(source, staging_directory(tmp_path / "target"), sizes.append)

    (copied,) = tmp_path.glob(".upload-*")
    assert sorted(os.listdir(copied)) == ["a", "b"]
    assert (copied / "a").samefile(copied / "b")
    assert sum(sizes) == 3 * 512 + 100


def test_a_pipe_is_refused_at_once(tmp_path: Path):
    (tmp_path / "source").mkdir()
    os.mkfifo(tmp_path / "source" / "pipe")

    with pytest.raises(OSError, match="not a file, directory, or link"):
        copy_tree(tmp_path / "source", staging_directory(tmp_path / "target"), lambda _: None)


def test_nobody_else_may_write_to_what_was_copied(tmp_path: Path):
    _write(tmp_path / "source", {"run": b"#!/bin/sh\n", "secret": b""})
    (tmp_path / "source" / "run").chmod(0o6777)
    (tmp_path / "source" / "secret").chmod(0o400)

    _bring(tmp_path / "source", tmp_path / "target")

    assert stat.S_IMODE((tmp_path / "target" / "run").stat().st_mode) == 0o755
    assert stat.S_IMODE((tmp_path / "target" / "secret").stat().st_mode) == 0o600
