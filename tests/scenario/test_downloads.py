"""The download steps, in builds on a local worker."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from test_build_steps import Site

from buildbot.process.buildstep import BuildStep
from buildbot.process.results import SUCCESS
from buildbot.steps.transfer import (
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
    assert json.loads((build / "o.json").read_text()) == {"a": [1]}
    assert "buildername" in json.loads((build / "sub dir" / "p.json").read_text())["properties"]
    assert (build / "f").read_bytes() == b"\0\xff"
    assert not (build / "long").exists()
    assert await site.steps() == [
        ("string_download", 0, "downloaded s.txt"),
        ("json_download", 0, "downloaded o.json"),
        ("json_properties_download", 0, "downloaded sub dir/p.json"),
        ("download", 0, "downloaded f"),
        ("string_download_1", 2, "download long (it has more than 4 bytes) (failure)"),
        (
            "download_1",
            2,
            f"download n (on the master: No such file or directory: {tmp_path / 'none'}) (failure)",
        ),
    ]


async def test_a_composite_step_writes_a_file_and_reads_it(site):
    found = {}

    class Composite(CompositeStepMixin, BuildStep):
        async def run(self):
            found["failed"] = await self.downloadFileContentToWorker("a/f", "caf\xe9\n")
            found["content"] = await self.getFileContentFromWorker("a/f")
            found["directory"] = await self.downloadFileContentToWorker("a", "x")
            return SUCCESS

    await site.run(Composite())

    assert found == {"failed": False, "content": "caf\xe9\n", "directory": True}
