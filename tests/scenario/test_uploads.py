"""The upload steps, in builds on a local worker."""

from __future__ import annotations

import os
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from test_build_steps import Site

from buildbot.process.results import FAILURE, SKIPPED, SUCCESS
from buildbot.process.step_worker import StepWorker
from buildbot.steps.transfer import DirectoryUpload, FileUpload, MultipleFileUpload

MANY = 20_000_000


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    site = Site(tmp_path)
    await site.open()
    yield site
    await site.close()


def _written(site: Site) -> Path:
    build: Path = site.directory / "worker" / "b1" / "build"
    build.mkdir(parents=True)
    return build


@pytest.mark.parametrize("content", [b"", b"\0", b"line\n" * 100_000, os.urandom(MANY)])
async def test_a_file_arrives_as_it_was(site: Site, tmp_path: Path, content: bytes):
    (_written(site) / "a b\n\xe9").write_bytes(content)
    target = tmp_path / "kept" / "here"

    await site.run(FileUpload("a b\n\xe9", str(target), mode=0o640))

    assert target.read_bytes() == content
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert os.listdir(target.parent) == ["here"]


@pytest.mark.parametrize("is_near", [True, False])
async def test_names_that_are_no_utf8_arrive_as_they_are(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_near: bool
):
    monkeypatch.setattr(StepWorker, "_is_on_same_machine", lambda self: is_near)
    names = [b"bad\xff\xfe", b"new\nline"]
    build = os.fsencode(_written(site))
    os.mkdir(build + b"/d")
    for name in names:
        Path(os.fsdecode(build + b"/d/" + name)).write_bytes(name)
    odd = os.fsdecode(names[0])

    await site.run(
        FileUpload(f"d/{odd}", str(tmp_path / "one")),
        FileUpload(f"d/{odd}", str(tmp_path / odd)),
        DirectoryUpload("d", str(tmp_path / "all")),
        DirectoryUpload("d", str(tmp_path / "packed"), compress="gz"),
        MultipleFileUpload(["d/*"], str(tmp_path / "found"), glob=True),
    )

    assert [result for _, result, _ in await site.steps()] == [SUCCESS] * 5
    assert (tmp_path / "one").read_bytes() == (tmp_path / odd).read_bytes() == names[0]
    for place in ("all", "packed", "found"):
        found = os.fsencode(tmp_path / place)
        assert sorted(os.listdir(found)) == names
        assert [Path(os.fsdecode(found + b"/" + name)).read_bytes() for name in names] == names


async def test_files_of_another_machine_come_in_pieces(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(StepWorker, "_is_on_same_machine", lambda self: False)
    content = os.urandom(MANY)
    docs = _written(site) / "docs"
    docs.mkdir()
    (docs / "page").write_bytes(content)
    calm = {"haltOnFailure": False}

    await site.run(
        FileUpload("docs/page", str(tmp_path / "page")),
        DirectoryUpload("docs", str(tmp_path / "public")),
        FileUpload("docs/page", str(tmp_path / "long"), maxsize=MANY - 1, **calm),
        FileUpload("missing", str(tmp_path / "missing"), **calm),
    )

    assert (tmp_path / "page").read_bytes() == content
    assert (tmp_path / "public" / "page").read_bytes() == content
    assert [result for _, result, _ in await site.steps()] == [SUCCESS] * 2 + [FAILURE] * 2
    assert not [name for name in os.listdir(tmp_path) if name.startswith((".upload", "long"))]


async def test_times_are_kept_where_that_is_wanted(site: Site, tmp_path: Path):
    source = _written(site) / "old"
    source.write_text("x")
    os.utime(source, (1_000, 2_000))

    await site.run(
        FileUpload("old", str(tmp_path / "kept"), keepstamp=True, url="http://x/old"),
        FileUpload(workersrc="old", masterdest=str(tmp_path / "new")),
    )

    assert (tmp_path / "kept").stat().st_mtime == 2_000
    assert (tmp_path / "new").stat().st_mtime > 1_000_000
    assert await site.steps() == [
        ("upload", SUCCESS, "uploading old"),
        ("upload_1", SUCCESS, "uploading old"),
    ]


async def test_what_cannot_be_uploaded_is_named_and_leaves_nothing(site: Site, tmp_path: Path):
    build = _written(site)
    (build / "long").write_bytes(b"12345")
    (build / "directory").mkdir()
    os.mkfifo(build / "fifo")
    (tmp_path / "in the way").mkdir()
    (tmp_path / "file").write_text("before")
    kept = str(tmp_path / "out")
    calm = {"haltOnFailure": False}

    await site.run(
        FileUpload("missing", kept, **calm),
        FileUpload("directory", kept, **calm),
        FileUpload("fifo", kept, **calm),
        FileUpload("long", kept, maxsize=4, **calm),
        FileUpload("long", str(tmp_path / "in the way"), **calm),
        FileUpload("long", str(tmp_path / "file" / "x"), **calm),
        DirectoryUpload("long", kept, **calm),
        FileUpload("long", kept, maxsize=5, **calm),
    )

    found = await site.steps()
    assert [result for _, result, _ in found] == [FAILURE] * 7 + [SUCCESS]
    words = [sentence for _, _, sentence in found]
    assert words[0].startswith("uploading missing: No such file or directory: /")
    assert words[0].endswith("/build/missing on worker w1 (failure)")
    assert "not a regular file: /" in words[1]
    assert "not a regular file" in words[2]
    assert "longer than maxsize" in words[3]
    assert "on the master" in words[4]
    assert "Not a directory" in words[6]
    assert (tmp_path / "out").read_bytes() == b"12345"
    assert not [name for name in os.listdir(tmp_path) if name.startswith(".upload")]


@pytest.mark.parametrize("compress", [None, "gz", "bz2", "zstd"])
@pytest.mark.parametrize("is_near", [True, False])
async def test_a_directory_arrives_with_all_it_contains(
    site: Site,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    compress: str | None,
    is_near: bool,
):
    monkeypatch.setattr(StepWorker, "_is_on_same_machine", lambda self: is_near)
    source = _written(site) / "docs"
    (source / "deep" / "empty").mkdir(parents=True)
    (source / "deep" / "page").write_bytes(os.urandom(3_000_000))
    (source / "run").write_text("#!/bin/sh\n")
    (source / "run").chmod(0o755)
    (source / "link").symlink_to("deep/page")
    os.link(source / "run", source / "same")
    target = tmp_path / "public"

    await site.run(DirectoryUpload("docs", str(target), compress=compress))

    assert (target / "deep" / "page").read_bytes() == (source / "deep" / "page").read_bytes()
    assert (target / "deep" / "empty").is_dir()
    assert os.access(target / "run", os.X_OK)
    assert (target / "link").read_bytes() == (source / "deep" / "page").read_bytes()
    assert sorted(os.listdir(target)) == ["deep", "link", "run", "same"]


@pytest.mark.parametrize("is_near", [True, False])
@pytest.mark.parametrize("is_there", [True, False])
async def test_a_directory_does_not_write_elsewhere(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_near: bool, is_there: bool
):
    monkeypatch.setattr(StepWorker, "_is_on_same_machine", lambda self: is_near)
    source, target = _written(site) / "docs", tmp_path / "public"
    source.mkdir()
    (source / "before").touch()
    (source / "out").symlink_to("/etc")
    (source / "within").touch()
    if is_there:
        target.mkdir()
        (target / "before").write_text("as it was")

    await site.run(DirectoryUpload("docs", str(target)))

    [(_, result, words)] = await site.steps()
    assert result == FAILURE
    assert "out" in words
    assert target.exists() is is_there
    if is_there:
        assert os.listdir(target) == ["before"]
        assert (target / "before").read_text() == "as it was"
    assert not [name for name in os.listdir(tmp_path) if name.startswith(".upload")]


async def test_logs_say_what_was_sent_and_why_it_was_not(site: Site, tmp_path: Path):
    (_written(site) / "a").write_text("a")
    build = f"{site.directory}/worker/b1/build"
    target = str(tmp_path / "out")

    await site.run(
        FileUpload("a", target),
        MultipleFileUpload(workersrcs=["a", "none"], masterdest=target + "s", haltOnFailure=False),
        FileUpload("none", target, description="fetching", haltOnFailure=False),
        FileUpload("none", target, descriptionDone="fetched", haltOnFailure=False),
    )

    sent = f"hsending {build}/a\nhprogram finished with exit code 0\n"
    missing = f"No such file or directory: {build}/none on worker w1"
    assert await site.text("stdio", 0) == sent
    assert await site.text("stdio", 1) == f"{sent}e{missing}\n"
    assert await site.text("stderr") == "File build/none not available at worker\n"
    assert [words for _, _, words in await site.steps()][2:] == [
        f"fetching: {missing} (failure)",
        "fetched (failure)",
    ]


async def test_several_sources(site: Site, tmp_path: Path):
    build = _written(site)
    (build / "a.whl").write_text("a")
    (build / "b.whl").write_text("b")
    (build / "docs").mkdir()
    (build / "docs" / "index").write_text("i")
    done = []

    class Told(MultipleFileUpload):
        async def uploadDone(self, result, source, masterdest):
            done.append((result, os.path.basename(source)))

        def allUploadsDone(self, result, sources, masterdest):
            done.append((result, len(sources)))

    target = tmp_path / "dist"
    await site.run(
        Told(workersrcs=["*.whl", "docs"], masterdest=str(target), glob=True),
        MultipleFileUpload(workersrcs=["*.none"], masterdest=str(target), glob=True),
    )

    assert sorted(os.listdir(target)) == ["a.whl", "b.whl", "docs"]
    assert (target / "docs" / "index").read_text() == "i"
    assert done == [(0, "a.whl"), (0, "b.whl"), (0, "docs"), (0, 3)]
    assert [result for _, result, _ in await site.steps()] == [SUCCESS, SKIPPED]


def test_old_names_and_missing_ones():
    assert FileUpload(slavesrc="a", masterdest="b").workersrc == "a"
    with pytest.raises(TypeError, match="workersrc"):
        FileUpload(masterdest="b")
    with pytest.raises(TypeError, match="masterdest"):
        DirectoryUpload("a")
