"""Git, for the commands that make or look at repositories on this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

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
    """Drop what git tells its hooks of their repository: steps of builds would work on that one."""
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


def snapshot(source: Path, bare: Path) -> str:
    """Copy *source* as it is now, uncommitted files included, to a bare repository.

    The source is not altered in any way. Returns the branch that has the snapshot.
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
    parents = []
    if is_repository:
        head = git("rev-parse", "HEAD", cwd=source)
        parents = ["-p", head]
        git("read-tree", head, environment=places)
    git("add", "--all", ".", cwd=source, environment=places)
    tree = git("write-tree", environment=places)
    if is_repository and tree == git("rev-parse", "HEAD^{tree}", cwd=source):
        return branch
    commit = git(
        "commit-tree", tree, *parents, "-m", "Working copy as it is now", environment=places
    )
    git("update-ref", f"refs/heads/{branch}", commit, environment={"GIT_DIR": str(bare)})
    return branch
