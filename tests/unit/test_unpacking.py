"""Archives that are unpacked while they arrive."""

from __future__ import annotations

import io
import os
import tarfile as written
import threading
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from buildbot.steps.unpacking import Unpacking, tarfile

NAMES = st.sampled_from(["a", "b c", "caf\xe9", "long" * 60, "-e"])
CONTENTS = st.integers(min_value=0, max_value=3000).map(lambda size: b"x" * size)
TREES = st.recursive(
    CONTENTS, lambda inner: st.dictionaries(NAMES, inner, max_size=4), max_leaves=8
)
KINDS = ["", "gz", "bz2", "xz", "zstd"]


def _packed(directory: Path, kind: str = "") -> bytes:
    buffer = io.BytesIO()
    mode = "w:" if kind == "zstd" else f"w:{kind}"
    with written.open(fileobj=buffer, mode=mode) as archive:
        archive.add(directory, arcname=".")
    content = buffer.getvalue()
    compressor = zstandard.ZstdCompressor(write_checksum=True)
    return compressor.compress(content) if kind == "zstd" else content


def _write(directory: Path, tree: dict) -> Path:
    directory.mkdir()
    for name, content in tree.items():
        if isinstance(content, dict):
            _write(directory / name, content)
        else:
            (directory / name).write_bytes(content)
    return directory


def _seen(directory: Path) -> dict[str, bytes | None]:
    return {
        str(path.relative_to(directory)): path.read_bytes() if path.is_file() else None
        for path in directory.rglob("*")
    }


def _unpack(content: bytes, directory: Path, size: int = 1000) -> None:
    directory.mkdir()
    unpacking = Unpacking(directory)
    try:
        for start in range(0, len(content), size):
            unpacking.write(content[start : start + size])
        unpacking.finish()
    finally:
        unpacking.give_up()


@given(
    tree=st.dictionaries(NAMES, TREES, max_size=4),
    kind=st.sampled_from(KINDS),
    size=st.integers(min_value=1, max_value=20_000),
)
def test_what_was_packed_arrives_however_it_is_cut(
    tmp_path_factory: pytest.TempPathFactory, tree: dict, kind: str, size: int
) -> None:
    root = tmp_path_factory.mktemp("tree")
    source = _write(root / "source", tree)

    _unpack(_packed(source, kind), root / "target", size)

    assert _seen(root / "target") == _seen(source)


def test_links_times_and_permissions_arrive(tmp_path: Path) -> None:
    source = _write(tmp_path / "source", {"one": b"1" * 2048, "deep": {}})
    (source / "other").hardlink_to(source / "one")
    (source / "link").symlink_to("deep")
    (source / "one").chmod(0o750)
    os.utime(source / "deep", (1, 1_000_000_000))

    _unpack(_packed(source), tmp_path / "target")

    target = tmp_path / "target"
    assert (target / "one").samefile(target / "other")
    assert (target / "link").readlink() == Path("deep")
    assert (target / "one").stat().st_mode & 0o777 == 0o750
    assert (target / "deep").stat().st_mtime == 1_000_000_000


@pytest.mark.parametrize("kind", KINDS)
def test_an_archive_that_ends_too_early_is_an_error(tmp_path: Path, kind: str) -> None:
    source = _write(tmp_path / "source", {"noise": os.urandom(300_000)})
    content = _packed(source, kind)

    with pytest.raises(tarfile.ReadError):
        _unpack(content[:200_000], tmp_path / "target")


@pytest.mark.parametrize("kind", KINDS)
def test_an_archive_that_is_damaged_is_an_error(tmp_path: Path, kind: str) -> None:
    source = _write(tmp_path / "source", {"noise": os.urandom(300_000), "more": b"more"})
    content = bytearray(_packed(source, kind))
    at = content.rindex(b"./more") if not kind else len(content) // 2
    content[at : at + 4096] = bytes(range(256)) * 16

    with pytest.raises(tarfile.TarError):
        _unpack(bytes(content), tmp_path / "target")


@pytest.mark.parametrize("content", [b"", b"no archive" * 1000], ids=["nothing", "garbage"])
def test_what_is_no_archive_is_an_error(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(tarfile.ReadError):
        _unpack(content, tmp_path / "target")


def test_nothing_is_written_outside_and_the_rest_is_taken(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with written.open(fileobj=buffer, mode="w:") as archive:
        for name in ("fine", "../outside", "later"):
            member = written.TarInfo(name)
            member.size = 5000
            archive.addfile(member, io.BytesIO(b"x" * 5000))

    with pytest.raises(tarfile.FilterError, match="outside"):
        _unpack(buffer.getvalue() * 10, tmp_path / "target")

    assert not (tmp_path / "outside").exists()


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    source = _write(tmp_path / "source", {"deep": {"file": b"x" * 100_000}})
    (tmp_path / "target").mkdir()
    (tmp_path / "target" / "deep").write_bytes(b"in the way")
    unpacking = Unpacking(tmp_path / "target")

    unpacking.write(_packed(source))

    with pytest.raises(OSError, match="deep"):
        unpacking.finish()


def test_who_gives_up_waits_for_nothing(tmp_path: Path) -> None:
    source = _write(tmp_path / "source", {str(number): b"x" * 9000 for number in range(50)})
    content = _packed(source)
    (tmp_path / "target").mkdir()
    unpacking = Unpacking(tmp_path / "target")
    unpacking.write(content[:15_000])

    unpacking.give_up()

    assert len(_seen(tmp_path / "target")) <= 2
    assert not [one for one in threading.enumerate() if one.name.startswith("unpack")]
