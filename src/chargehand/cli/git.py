"""Git, for commands that create or copy repositories on this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import msgspec

from chargehand.app.failure import CommandFailed

_IDENTITY = {
    "GIT_AUTHOR_NAME": "Chargehand",
    "GIT_AUTHOR_EMAIL": "chargehand@localhost",
    "GIT_COMMITTER_NAME": "Chargehand",
    "GIT_COMMITTER_EMAIL": "chargehand@localhost",
}

_OF_A_HOOK = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_QUARANTINE_PATH",
    "GIT_WORK_TREE",
)


def forget_callers_repository() -> None:
    """Remove the variables that git sets for its hooks: build steps would use that repository."""
    for name in _OF_A_HOOK:
        os.environ.pop(name, None)


def git(
    *arguments: str | Path,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> str:
    """Run git and return what it printed, without the last newline."""
    if shutil.which("git") is None:
        raise CommandFailed("git is not installed (on Debian: apt-get install git)")
    result = subprocess.run(
        ["git", *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, **_IDENTITY, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        raise CommandFailed(f"git {arguments[0]} failed: {result.stderr.strip()}")
    return result.stdout.rstrip("\n")


def create_repository(path: Path, files: dict[str, str]) -> None:
    """Make a repository with one commit of *files* on branch main."""
    path.mkdir(parents=True, exist_ok=True)
    git("init", "--quiet", "--initial-branch=main", path)
    for name, value in {"user.name": "Demo", "user.email": "demo@localhost"}.items():
        git("config", name, value, cwd=path)
    for name, text in files.items():
        (path / name).write_text(text)
    git("add", "--all", cwd=path)
    git("commit", "--quiet", "--message", "Say hello", cwd=path)


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """A bare repository with a copy of a directory; its submodules as (address, repository)."""

    bare: Path
    branch: str
    commit: str
    submodules: tuple[tuple[str, Path], ...] = ()


def snapshot(source: Path, bare: Path) -> Snapshot:
    """Copy *source* as it is now, uncommitted files included, to a bare repository.

    Checked-out submodules are copied the same way. The source is not changed.
    """
    is_repository = (source / ".git").exists()
    if is_repository:
        git("clone", "--quiet", "--bare", "--shared", source, bare)
        branch = git("rev-parse", "--abbrev-ref", "HEAD", cwd=source)
    else:
        git("init", "--quiet", "--bare", "--initial-branch=main", bare)
        branch = "HEAD"
    branch = "main" if branch == "HEAD" else branch
    places = {
        "GIT_DIR": str(bare),
        "GIT_WORK_TREE": str(source),
        "GIT_INDEX_FILE": str(bare / "snapshot-index"),
    }
    head = git("rev-parse", "HEAD", cwd=source) if is_repository else None
    if head is not None:
        git("read-tree", head, environment=places)
    git("add", "--all", ".", cwd=source, environment=places)
    inner = {path: snapshot(source / path, _beside(bare, path)) for path in _submodules(source)}
    for path, shot in inner.items():
        entry = f"160000,{shot.commit},{path}"
        git("update-index", "--add", "--cacheinfo", entry, cwd=source, environment=places)
    commit = _committed(source, head, places)
    git("update-ref", f"refs/heads/{branch}", commit, environment={"GIT_DIR": str(bare)})
    addresses = [(_address(source, path), shot.bare) for path, shot in inner.items()]
    nested = (pair for shot in inner.values() for pair in shot.submodules)
    return Snapshot(bare=bare, branch=branch, commit=commit, submodules=(*addresses, *nested))


def _committed(source: Path, head: str | None, places: Mapping[str, str]) -> str:
    """Return a commit of the index; HEAD if it has the same tree."""
    tree = git("write-tree", environment=places)
    if head is not None and tree == git("rev-parse", "HEAD^{tree}", cwd=source):
        return head
    parents = [] if head is None else ["-p", head]
    message = "Working copy as it is now"
    return git("commit-tree", tree, *parents, "-m", message, environment=places)


def _submodules(source: Path) -> list[str]:
    """Return the paths of the submodules that are checked out."""
    if not (source / ".gitmodules").is_file():
        return []
    pattern = r"^submodule\..*\.path$"
    listing = git("config", "--file", ".gitmodules", "--get-regexp", pattern, cwd=source)
    paths = [line.partition(" ")[2] for line in listing.splitlines()]
    return [path for path in paths if (source / path / ".git").exists()]


def _address(source: Path, path: str) -> str:
    return git("config", "--get", "remote.origin.url", cwd=source / path)


def _beside(bare: Path, path: str) -> Path:
    return bare.with_name(f"{bare.stem}-{path.replace('/', '-')}.git")
