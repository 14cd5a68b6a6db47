"""The Git step ends at the right commit on its branch, whatever was there before.

Some of {state of the clone} x {what is wanted} x {mode and method} x {submodules} x {depth} is
tried by default, each value once at least. The marker ``slow`` tries 20 of each state, always the
same; all of them (an hour) are tried with ``GIT_MATRIX=whole``.
"""

from __future__ import annotations

import itertools
import os
import random
import shutil
import subprocess
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from git_field import Field, started_field

from buildbot.steps.source.git import Git
from chargehand.domain.result import Result
from chargehand.testing.git_repository import Repository

_ALLOW = ("-c", "protocol.file.allow=always")


class Wanted(NamedTuple):
    """A source stamp, and where the clone stands after it was got."""

    stamp: dict[str, Any]
    commit: str
    branch: str
    submodule: str | None
    """What the nested submodule holds; None: there is no submodule in that commit."""


class Upstream:
    """A repository with submodules, at first as old clones know it and then as it is now."""

    def __init__(self, path: Path) -> None:
        self.top, self._bar, self._baz = (
            _repository(path / name) for name in ("top", "bar", "baz")
        )
        self._path = path
        self.clone = path / "clone"
        self._old_state()
        self._make_clone()
        self._new_state()

    def _old_state(self) -> None:
        top, bar, baz = self.top, self._bar, self._baz
        baz.commit("z1", "z")
        baz.push()
        bar.git(*_ALLOW, "submodule", "--quiet", "add", baz.url, "baz")
        bar.commit("with baz", "r")
        bar.push()
        self.bare_root = top.commit("root", "t")
        top.git(*_ALLOW, "submodule", "--quiet", "add", bar.url, "bar")
        self.one = top.commit("one", "t")
        for name in ("moved", "dir", "topic"):
            top.git("branch", name)
        top.git("tag", "-a", "v1", "-m", "v1")
        top.git("tag", "nightly")
        top.push("main", "moved", "dir", "v1", "nightly")

    def _make_clone(self) -> None:
        self.git(self._path, *_ALLOW, "clone", "-q", "--recursive", self.top.url, str(self.clone))
        for name in ("moved", "dir"):
            self.git(self.clone, "branch", "-q", name, f"origin/{name}")

    def _new_state(self) -> None:
        """The nested submodule moves to another place, and so do branches and tags."""
        top, bar = self.top, self._bar
        other = _repository(self._path / "baz2")
        other.git("pull", "-q", self._baz.url, "main")
        other.commit("z2", "z")
        other.push()
        bar.git("submodule", "set-url", "baz", other.url)
        bar.git(*_ALLOW, "submodule", "--quiet", "sync")
        bar.git(*_ALLOW, "submodule", "--quiet", "update", "--remote", "--init", "baz")
        bar.commit("baz moved", "r")
        bar.push()
        shutil.rmtree(self._baz.bare)
        top.git(*_ALLOW, "submodule", "--quiet", "update", "--remote", "--init", "bar")
        self.two = top.commit("two", "t")
        self.three = top.commit("three", "t")
        self.lost = top.commit("lost", "t")
        top.push()
        top.git("reset", "-q", "--hard", self.three)
        top.git("tag", "-f", "nightly", self.two)
        top.git("tag", "both", self.two)
        top.git("branch", "-f", "moved", self.bare_root)
        refs = ("moved", "refs/tags/nightly", "refs/tags/both")
        top.push("main", *refs, "main:refs/heads/dir/sub", "main:refs/heads/both", ":dir")

    def wanted(self) -> dict[str, Wanted]:
        """Return all source stamps of the matrix."""
        main: dict[str, Any] = {"branch": "main"}
        return {
            "branch": Wanted(main, self.three, "main", "z2"),
            "moved": Wanted({"branch": "moved"}, self.bare_root, "moved", None),
            "below a branch that was": Wanted({"branch": "dir/sub"}, self.three, "dir/sub", "z2"),
            "gone": Wanted({"branch": "topic", "revision": self.two}, self.two, "topic", "z2"),
            "of no branch": Wanted({**main, "revision": self.lost}, self.lost, "main", "z2"),
            "hash": Wanted({**main, "revision": self.two}, self.two, "main", "z2"),
            "short hash": Wanted({**main, "revision": self.two[:9]}, self.two, "main", "z2"),
            "only a hash": Wanted({"revision": self.two}, self.two, "HEAD", "z2"),
            "moved tag": Wanted({**main, "revision": "nightly"}, self.two, "main", "z2"),
            "branch and tag": Wanted({"branch": "both"}, self.three, "both", "z2"),
            "tag for a branch": Wanted({"branch": "nightly"}, self.two, "HEAD", "z2"),
            "full name": Wanted({"branch": "refs/heads/main"}, self.three, "main", "z2"),
            "none": Wanted({}, self.three, "main", "z2"),
        }

    @staticmethod
    def git(directory: Path, *arguments: str) -> str:
        return subprocess.run(
            ["git", *arguments], cwd=directory, check=True, capture_output=True, text=True
        ).stdout.strip()


def _repository(path: Path) -> Repository:
    path.mkdir()
    return Repository(path)


def _detach(clone: Path) -> None:
    Upstream.git(clone, "checkout", "-q", "--detach")


def _lock(clone: Path) -> None:
    for name in ("index.lock", "HEAD.lock", "refs/heads/main.lock", "modules/bar/index.lock"):
        (clone / ".git" / name).touch()


def _break_head(clone: Path) -> None:
    (clone / ".git" / "HEAD").write_text("nonsense")


def _cut_index(clone: Path) -> None:
    index = clone / ".git" / "index"
    index.write_bytes(index.read_bytes()[:20])


def _lose_objects(clone: Path) -> None:
    for pack in (clone / ".git" / "objects").rglob("*"):
        if pack.is_file():
            pack.chmod(0o644)
            pack.write_bytes(b"")


def _forget_git(clone: Path) -> None:
    shutil.rmtree(clone / ".git")


def _leave(clone: Path) -> None:
    (clone / "t").unlink()
    (clone / "made").mkdir()
    (clone / "t").mkdir()
    (clone / "t" / "in the way").touch()


_STATES: dict[str, Callable[[Path], None]] = {
    "fresh": shutil.rmtree,
    "existing": lambda _: None,
    "detached": _detach,
    "locked": _lock,
    "broken head": _break_head,
    "cut index": _cut_index,
    "lost objects": _lose_objects,
    "no clone": _forget_git,
    "changed": _leave,
}
_MODES = {
    "incremental": {"mode": "incremental"},
    **{
        method: {"mode": "full", "method": method}
        for method in ("clean", "fresh", "clobber", "copy")
    },
}
_WANTED = (
    *("branch", "moved", "below a branch that was", "gone", "of no branch", "hash", "short hash"),
    *("only a hash", "moved tag", "branch and tag", "tag for a branch", "full name", "none"),
)
_AXES: tuple[Sequence[Any], ...] = (
    tuple(_STATES),
    _WANTED,
    tuple(_MODES),
    (False, True),
    (None, 1),
)
Case = tuple[Any, ...]


def _some(axes: Sequence[Sequence[Any]], count: int) -> list[Case]:
    """Return cases in which each value occurs, in ever other company."""
    return [
        tuple(axis[(number // (1 + place // 4)) % len(axis)] for place, axis in enumerate(axes))
        for number in range(count)
    ]


class Matrix:
    """Runs cases one after the other, each in a directory that is prepared for it."""

    def __init__(self, field: Field, upstream: Upstream) -> None:
        self._field = field
        self._upstream = upstream
        self._wanted = upstream.wanted()

    async def wrong(self, cases: Iterable[Case]) -> list[str]:
        """Return what is wrong, a line for each case."""
        found = []
        for case in cases:
            found += [f"{case}: {fault}" for fault in await self._faults(*case)]
        return found

    async def _faults(
        self, state: str, what: str, mode: str, submodules: bool, shallow: int | None
    ) -> list[str]:
        wanted = self._wanted[what]
        directory = self._field.directory / "build"
        for name in ("build", "source"):
            shutil.rmtree(self._field.directory / name, ignore_errors=True)
        clone = self._field.directory / ("source" if mode == "copy" else "build")
        clone.parent.mkdir(exist_ok=True)
        shutil.copytree(self._upstream.clone, clone, symlinks=True)
        _STATES[state](clone)
        step = Git(
            repourl=self._upstream.top.url,
            submodules=submodules,
            shallow=shallow,
            config={"protocol.file.allow": "always"},
            **_MODES[mode],
        )
        build = await self._field.build(step, **wanted.stamp)
        if build.result is not Result.SUCCESS:
            log = self._field.workshop.logs.text("stdio")[-1500:]
            return [f"{self._field.workshop.outcome()}\n{log}"]
        return [
            *self._differences(directory, wanted),
            *self._leftovers(directory, mode, wanted, submodules),
        ]

    def _differences(self, directory: Path, wanted: Wanted) -> Iterable[str]:
        git = self._upstream.git
        commit, branch = git(directory, "rev-parse", "HEAD", "--abbrev-ref", "HEAD").split()
        branch = branch.removeprefix("heads/")
        if (commit, branch) != (wanted.commit, wanted.branch):
            yield f"at {commit} on {branch}, not {wanted.commit} on {wanted.branch}"
        if self._field.property("got_revision") != wanted.commit:
            yield f"got_revision is {self._field.property('got_revision')}"

    def _leftovers(
        self, directory: Path, mode: str, wanted: Wanted, submodules: bool
    ) -> Iterable[str]:
        nested = directory / "bar" / "baz" / "z"
        if submodules and wanted.submodule is not None:
            found = nested.read_text() if nested.exists() else None
            if found is None or not found.endswith(wanted.submodule):
                yield f"the nested submodule has {found}"
        if mode == "incremental" or not submodules:
            return
        if wanted.submodule is None and (directory / "bar").exists():
            yield "the submodule of another branch is left"
        status = self._upstream.git(directory, "status", "--porcelain")
        if status:
            yield f"git status: {status}"


@pytest.mark.slow
async def test_some_of_the_matrix(tmp_path: Path) -> None:
    assert await _wrong(tmp_path, _some(_AXES, len(_WANTED))) == []


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("state", list(_STATES))
async def test_more_of_the_matrix(tmp_path: Path, state: str) -> None:
    cases = list(itertools.product([state], *_AXES[1:]))
    if os.environ.get("GIT_MATRIX") != "whole":
        cases = random.Random(state).sample(cases, 20)

    assert await _wrong(tmp_path, cases) == []


async def _wrong(tmp_path: Path, cases: Iterable[Case]) -> list[str]:
    (tmp_path / "upstream").mkdir()
    upstream = Upstream(tmp_path / "upstream")
    async with started_field(tmp_path) as field:
        return await Matrix(field, upstream).wrong(cases)
