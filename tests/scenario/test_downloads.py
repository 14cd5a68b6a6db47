"""The download steps, in builds on a local worker."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from test_build_steps import Site

from buildbot.process.buildstep import BuildStep
from buildbot.process.factory import BuildFactory
from buildbot.process.results import FAILURE, SUCCESS
from buildbot.process.step_worker import StepWorker
from buildbot.steps import transfer
from buildbot.steps.download_secret_to_worker import RemoveWorkerFileSecret
from buildbot.steps.shell import ShellCommand
from buildbot.steps.transfer import (
    PIECE,
    FileDownload,
    JSONPropertiesDownload,
    JSONStringDownload,
    StringDownload,
)
from buildbot.steps.worker import CompositeStepMixin


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    site = Site(tmp_path)
    await site.open()
    yield site
    await site.close()


@pytest.fixture
def far(monkeypatch):
    """Let files go as they do to a worker on another machine."""
    monkeypatch.setattr(StepWorker, "_is_on_same_machine", lambda self: False)


async def test_downloads_write_files_on_the_worker(site, tmp_path):
    (tmp_path / "master file").write_bytes(b"\0\xff")
    await site.run(
        StringDownload("caf\xe9\n", workerdest="s.txt", mode=0o600),
        JSONStringDownload({"a": [1]}, workerdest="o.json"),
        JSONPropertiesDownload(workerdest="sub dir/p.json"),
        FileDownload(mastersrc=str(tmp_path / "master file"), workerdest="f"),
        StringDownload("12345", workerdest="long", maxsize=4, haltOnFailure=False),
        FileDownload(mastersrc=str(tmp_path / "none"), workerdest="n", haltOnFailure=False),
    )

    build = site.directory / "worker" / "b1" / "build"
    assert (build / "s.txt").read_text(encoding="utf-8") == "caf\xe9\n"
    assert (build / "s.txt").stat().st_mode & 0o777 == 0o600
    assert (
        await site.text("stdio") == f"eNo such file or directory: {tmp_path}/none on the master\n"
    )
    assert await site.text("stdio", 0) == "hprogram finished with exit code 0\n"
    missing = f"File '{tmp_path}/none' not available at master\n"
    assert await site.text("stderr") == missing
    assert json.loads((build / "o.json").read_text()) == {"a": [1]}
    assert "buildername" in json.loads((build / "sub dir" / "p.json").read_text())["properties"]
    assert (build / "f").read_bytes() == b"\0\xff"
    assert not (build / "long").exists()
    assert await site.steps() == [
        ("string_download", 0, "downloading to s.txt"),
        ("json_download", 0, "downloading to o.json"),
        ("json_properties_download", 0, "downloading to p.json"),
        ("download", 0, "downloading to f"),
        (
            "string_download_1",
            2,
            "downloading to long: the source has more than 4 bytes (maxsize) (failure)",
        ),
        (
            "download_1",
            2,
            f"downloading to n: No such file or directory: {tmp_path / 'none'} "
            "on the master (failure)",
        ),
    ]


@pytest.mark.parametrize("size", [4 * PIECE, 4 * PIECE + 1, 9 * PIECE])
async def test_a_long_file_goes_in_pieces(site, far, tmp_path, size):
    content = os.urandom(size)
    (tmp_path / "long").write_bytes(content)

    await site.run(FileDownload(str(tmp_path / "long"), workerdest="f", mode=0o640, maxsize=size))

    build = site.directory / "worker" / "b1" / "build"
    assert (build / "f").read_bytes() == content
    assert stat.S_IMODE((build / "f").stat().st_mode) == 0o640
    assert sorted(one.name for one in build.iterdir()) == ["f"]


async def test_a_worker_on_the_same_machine_copies_a_long_file(site, tmp_path, monkeypatch):
    monkeypatch.setattr(transfer, "COPIED_AT_ONCE", PIECE)
    content = os.urandom(3 * PIECE + 5)
    (tmp_path / "long").write_bytes(content)
    long = str(tmp_path / "long")

    await site.run(
        FileDownload(long, workerdest="f", mode=0o640, maxsize=len(content)),
        FileDownload(long, workerdest="g", maxsize=len(content) - 1, haltOnFailure=False),
        Vanishes(long, workerdest="h"),
    )

    build = site.directory / "worker" / "b1" / "build"
    assert (build / "f").read_bytes() == content
    assert stat.S_IMODE((build / "f").stat().st_mode) == 0o640
    assert sorted(one.name for one in build.iterdir()) == ["f"]
    words = [sentence for _, _, sentence in await site.steps()]
    assert words[1].endswith(
        f"the source has more than {len(content) - 1} bytes (maxsize) (failure)"
    )
    assert "No such file or directory" in words[2]


class Vanishes(FileDownload):
    """A file that is removed while it is copied."""

    async def _send_piece(self, piece, offset, *, more):
        if offset:
            Path(self.mastersrc).unlink(missing_ok=True)
        return await super()._send_piece(piece, offset, more=more)


class Grows(FileDownload):
    """A file that grows while it is sent."""

    async def _send_piece(self, piece, offset, *, more):
        with Path(self.mastersrc).open("ab") as file:
            file.write(bytes(PIECE))
        return await super()._send_piece(piece, offset, more=more)


async def test_what_was_sent_of_a_file_that_grows_too_long_is_removed(site, far, tmp_path):
    (tmp_path / "long").write_bytes(bytes(8 * PIECE))

    await site.run(Grows(str(tmp_path / "long"), workerdest="f", maxsize=8 * PIECE))

    assert list((site.directory / "worker" / "b1" / "build").iterdir()) == []
    assert (await site.steps())[-1][1] == FAILURE


class Fails(FileDownload):
    """A file of which a piece cannot be written, while others are under way."""

    async def _send_piece(self, piece, offset, *, more):
        if offset == 3 * PIECE:
            offset, more = 99 * PIECE, False  # As if all before it had been sent.
        return await super()._send_piece(piece, offset, more=more)


async def test_what_was_sent_of_a_file_is_removed_when_a_piece_cannot_be_written(
    site, far, tmp_path
):
    (tmp_path / "long").write_bytes(bytes(8 * PIECE))

    await site.run(Fails(str(tmp_path / "long"), workerdest="f"))

    assert list((site.directory / "worker" / "b1" / "build").iterdir()) == []
    [(_, result, sentence)] = await site.steps()
    assert result == FAILURE
    assert "pieces of the file are missing" in sentence


async def test_secrets_are_on_the_worker_while_the_steps_run_that_need_them(site):
    factory = BuildFactory()
    script = "cat token; stat -c %a token sub/key; exit 1"
    secrets = [("token", "hush\n"), ("sub/key", b"bytes")]
    factory.addSteps([ShellCommand(command=script, haltOnFailure=True)], withSecrets=secrets)

    await site.run(*factory.steps)

    assert [result for _, result, _ in await site.steps()] == [SUCCESS, FAILURE, SUCCESS]
    assert "ohush\no600\no600\n" in await site.text("stdio")
    build = site.directory / "worker" / "b1" / "build"
    assert [one.name for one in build.rglob("*") if one.is_file()] == []


async def test_a_secret_that_is_gone_is_named(site):
    await site.run(RemoveWorkerFileSecret([("a", "x"), "b"]))

    assert await site.steps() == [("generic", FAILURE, "remove secret file a, b (failure)")]


async def test_a_composite_step_writes_a_file_and_reads_it(site):
    found = {}

    class Composite(CompositeStepMixin, BuildStep):
        async def run(self):
            found["written"] = await self.downloadFileContentToWorker("a/f", "caf\xe9\n")
            found["content"] = await self.getFileContentFromWorker("a/f")
            found["directory"] = await self.downloadFileContentToWorker("a", "x")
            found["long"] = await self.downloadFileContentToWorker("long", bytes(2 * PIECE + 1))
            found["nowhere"] = await self.downloadFileContentToWorker("a", bytes(2 * PIECE))
            return SUCCESS

    await site.run(Composite())

    assert found == {
        "written": True,
        "content": "caf\xe9\n",
        "directory": False,
        "long": True,
        "nowhere": False,
    }
    build = site.directory / "worker" / "b1" / "build"
    assert (build / "long").read_bytes() == bytes(2 * PIECE + 1)
    assert sorted(one.name for one in build.iterdir()) == ["a", "long"]
