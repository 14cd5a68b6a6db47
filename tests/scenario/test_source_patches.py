"""Patches of source stamps: applied by the real ``patch`` to what real git and svn check out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from git_field import Field, started_field

from buildbot.process.results import SUCCESS
from buildbot.steps.source.base import Source
from chargehand.domain.result import Result
from chargehand.domain.source_stamp import Patch
from chargehand.testing.svn_repository import SvnRepository

_CHANGED = """\
--- a/a
+++ b/a
@@ -1 +1,2 @@
 one
+two
"""
_ADDED = """\
--- /dev/null
+++ b/sub/new
@@ -0,0 +1 @@
+new
"""


def stamp(body: str, level: int = 1, **more: Any) -> dict[str, Any]:
    return {"patch": Patch(level=level, body=body.encode(), **more)}


@pytest.fixture
async def field(tmp_path: Path) -> AsyncIterator[Field]:
    async with started_field(tmp_path) as found:
        (found.repository.copy / "a").write_text("one\n")
        found.repository.git("add", "-A")
        found.repository.git("commit", "-q", "-m", "two")
        found.repository.push()
        yield found


def text(field: Field, name: str) -> str:
    return (field.directory / "build" / name).read_text()


async def test_git_applies_a_patch_and_the_next_build_cleans(field: Field) -> None:
    build = await field.get(stamp=stamp(_CHANGED + _ADDED))

    assert build.result is Result.SUCCESS
    assert (text(field, "a"), text(field, "sub/new")) == ("one\ntwo\n", "new\n")
    assert field.files() == {"a", "sub", ".buildbot-patched"}
    assert "patching file a" in field.workshop.logs.text("stdio")
    assert field.property("got_revision") == field.repository.git("rev-parse", "HEAD")

    (field.directory / "build" / "made").touch()
    await field.get(stamp=stamp(_ADDED))
    assert (text(field, "a"), field.files()) == ("one\n", {"a", "sub", ".buildbot-patched"})

    await field.get()
    assert (text(field, "a"), field.files()) == ("one\n", {"a"})
    assert not any("clean" in line for line in field.commands()[1:])

    for method in ("clean", "copy"):
        await field.get(mode="full", method=method, stamp=stamp(_CHANGED + _ADDED))
        assert (text(field, "a"), text(field, "sub/new")) == ("one\ntwo\n", "new\n")
    await field.get(mode="full", method="clean")
    assert (text(field, "a"), field.files()) == ("one\n", {"a"})


async def test_svn_applies_a_patch_and_the_next_build_cleans(field: Field, tmp_path: Path) -> None:
    repository = SvnRepository(tmp_path)
    (tmp_path / "one").write_text("one\n")
    repository.commit("layout", "mkdir trunk", f"put {tmp_path / 'one'} trunk/a")
    url = f"{repository.url}/trunk"

    await field.check_out(repourl=url, stamp=stamp(_CHANGED + _ADDED))
    assert (text(field, "a"), text(field, "sub/new")) == ("one\ntwo\n", "new\n")

    (field.directory / "build" / "made").touch()
    await field.check_out(repourl=url)
    assert (text(field, "a"), field.files()) == ("one\n", {"a"})

    for method in ("clean", "export"):
        await field.check_out(repourl=url, mode="full", method=method, stamp=stamp(_CHANGED))
        assert text(field, "a") == "one\ntwo\n"


async def test_a_patch_is_applied_at_its_level_and_in_its_directory(field: Field) -> None:
    await field.get(stamp=stamp(_CHANGED.replace("a/a", "x/y/a").replace("b/a", "x/y/a"), 2))
    assert text(field, "a") == "one\ntwo\n"

    await field.get(stamp=stamp("--- /dev/null\n+++ b\n@@ -0,0 +1 @@\n+b\n", 0, subdir="deep/er"))
    assert text(field, "deep/er/b") == "b\n"

    # As browsers send it.
    await field.get(stamp=stamp(_CHANGED.replace("\n", "\r\n")))
    assert text(field, "a").splitlines() == ["one", "two"]


async def test_a_patch_that_does_not_apply_fails_the_step(field: Field) -> None:
    outside = "the patch's directory {!r} is not below the sources"
    cases: list[tuple[str, dict[str, Any], str]] = [
        (
            _CHANGED.replace("1,2", "1").replace(" one", "-other"),
            {},
            "the patch does not apply; see the log",
        ),
        ("nonsense\n", {}, '"patch" failed with exit code 2; see the log'),
        (_CHANGED, {"subdir": "../../other"}, outside.format("../../other")),
        (_CHANGED, {"subdir": "/etc"}, outside.format("/etc")),
        (_CHANGED, {"level": -1}, "the patch's level must not be negative, but is -1"),
    ]
    for body, more, sentence in cases:
        build = await field.get(stamp=stamp(body, **more))

        assert build.result is Result.FAILURE
        assert field.workshop.outcome() == [("git", Result.FAILURE, sentence)]
        assert sentence in field.workshop.logs.text("stdio")
    assert not (field.directory.parent / "other").exists()

    await field.get()
    assert field.files() == {"a"}
    assert text(field, "a") == "one\n"


class Copied(Source):
    """A source step of a user's, as old ones are."""

    name = "copied"

    def __init__(self, applies: bool, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.applies = applies

    async def run_vc(self, branch: Any, revision: Any, patch: Any) -> int:
        if await self.sourcedirIsPatched():
            await self.runRmdir(self.workdir)
        await self.downloadFileContentToWorker("a", "one\n")
        if self.applies and patch is not None:
            await self.patch(patch)
        return SUCCESS


async def test_source_steps_of_users_apply_patches_once(field: Field) -> None:
    for applies in (True, False):
        build = await field.build(Copied(applies), **stamp(_CHANGED))
        assert build.result is Result.SUCCESS
        assert text(field, "a") == "one\ntwo\n"
        assert field.workshop.logs.text("stdio").count("patching file a") == 1
