"""What a developer has changed in a working copy: the difference from what the server knows."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import msgspec

from chargehand.app.failure import CommandFailed


class LocalChanges(msgspec.Struct, frozen=True, kw_only=True):
    """A patch, and what it applies to."""

    branch: str | None
    revision: str | None
    patch_level: int
    patch: bytes
    repository: str


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What the developer says about it; None where it is to be found out."""

    branch: str | None = None
    revision: str | None = None
    top: Path | None = None


def local_changes(kind: str, directory: Path, wanted: Wanted) -> LocalChanges:
    """Return the changes of a working copy of the version-control system *kind*."""
    if kind not in _KINDS:
        raise CommandFailed(
            f'cannot read a working copy of "{kind}" ({", ".join(_KINDS)} are possible): pass '
            "--diff FILE and --baserev REVISION"
        )
    if shutil.which(kind) is None:
        raise CommandFailed(f"{kind} is not installed, or not on the PATH")
    return _KINDS[kind](directory, wanted)


def _git(directory: Path, wanted: Wanted) -> LocalChanges:
    top = _said("git", "rev-parse", "--show-toplevel", cwd=directory)
    local = _maybe("git", "symbolic-ref", "--quiet", "--short", "HEAD", cwd=directory)
    upstream = _maybe("git", "rev-parse", "--verify", "--quiet", "@{upstream}", cwd=directory)
    branch = wanted.branch
    if branch is None and local is not None:
        merged = upstream and _maybe("git", "config", f"branch.{local}.merge", cwd=directory)
        branch = merged.removeprefix("refs/heads/") if merged else local
    base = wanted.revision or _pushed(directory, upstream)
    prefixes = ("--src-prefix=a/", "--dst-prefix=b/")
    patch = _output(
        *("git", "diff", "--no-ext-diff", "--no-textconv", "--no-color", *prefixes, base),
        cwd=Path(top),
    )
    return LocalChanges(
        branch=branch, revision=base, patch_level=1, patch=patch, repository=wanted_top(wanted, top)
    )


def _pushed(directory: Path, upstream: str | None) -> str:
    """Return the newest commit that the server has: of the upstream branch, or of any."""
    if upstream is not None:
        return _said("git", "merge-base", "HEAD", upstream, cwd=directory)
    own = _said("git", "rev-list", "--boundary", "HEAD", "--not", "--remotes", cwd=directory)
    known = [line[1:] for line in own.splitlines() if line.startswith("-")]
    return known[0] if known else _said("git", "rev-parse", "HEAD", cwd=directory)


def _mercurial(directory: Path, wanted: Wanted) -> LocalChanges:
    top = _said("hg", "root", cwd=directory)
    published = "max(ancestors(.) and public())"
    base = wanted.revision or _said("hg", "log", "-r", published, "-T", "{node}", cwd=directory)
    base = base or _said("hg", "log", "-r", ".", "-T", "{node}", cwd=directory)
    return LocalChanges(
        branch=wanted.branch or _said("hg", "branch", cwd=directory),
        revision=base,
        patch_level=1,
        patch=_output("hg", "diff", "--git", "-r", base, cwd=Path(top)),
        repository=wanted_top(wanted, top),
    )


def _subversion(directory: Path, wanted: Wanted) -> LocalChanges:
    top = str(wanted.top or _said("svn", "info", "--show-item", "wc-root", ".", cwd=directory))
    numbers = re.findall(r"\d+", _said("svnversion", "-n", ".", cwd=Path(top)))
    base = wanted.revision or max(numbers, key=int, default=None)
    if base is None:
        raise CommandFailed(f'"{top}" is not a working copy of Subversion')
    return LocalChanges(
        branch=wanted.branch,
        revision=base,
        patch_level=0,
        patch=_output("svn", "diff", "-r", base, cwd=Path(top)),
        repository=wanted_top(wanted, top),
    )


def wanted_top(wanted: Wanted, found: str) -> str:
    """Return the directory that stands for the repository."""
    return str(wanted.top or found)


_KINDS: dict[str, Callable[[Path, Wanted], LocalChanges]] = {
    "git": _git,
    "hg": _mercurial,
    "svn": _subversion,
}


def _said(*command: str, cwd: Path) -> str:
    return _output(*command, cwd=cwd).decode("utf-8", "surrogateescape").rstrip("\n")


def _maybe(*command: str, cwd: Path) -> str | None:
    """Return what a command says, None where it fails."""
    done = _run(*command, cwd=cwd)
    said = done.stdout.decode("utf-8", "surrogateescape").rstrip("\n")
    return said or None if done.returncode == 0 else None


def _output(*command: str, cwd: Path) -> bytes:
    done = _run(*command, cwd=cwd)
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip()
        raise CommandFailed(f"{' '.join(command[:2])} failed in {cwd}: {said}")
    return done.stdout


def _run(*command: str, cwd: Path) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, "LC_ALL": "C", "HGPLAIN": "1"},
        capture_output=True,
        check=False,
    )
