"""What is changed in a working copy, and a developer's own defaults."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from chargehand.app.failure import CommandFailed
from chargehand.cli.developer_options import developer_options
from chargehand.cli.working_copy import Wanted, local_changes


def _run(*command: str, at: Path) -> str:
    done = subprocess.run(command, cwd=at, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_changes_of_subversion_are_those_from_the_newest_revision(tmp_path: Path):
    _run("svnadmin", "create", "server", at=tmp_path)
    _run("svn", "checkout", f"file://{tmp_path}/server", "copy", at=tmp_path)
    copy = tmp_path / "copy"
    (copy / "sub").mkdir()
    (copy / "sub" / "f").write_text("one\n")
    _run("svn", "add", "sub", at=copy)
    _run("svn", "commit", "-m", "first", at=copy)
    (copy / "sub" / "f").write_text("two\n")

    found = local_changes("svn", copy / "sub", Wanted(branch="trunk"))

    assert (found.branch, found.revision, found.patch_level) == ("trunk", "1", 0)
    assert found.repository == str(copy)
    assert b"--- sub/f\t(revision 1)" in found.patch
    assert b"-one\n+two\n" in found.patch


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("p4", 'cannot read a working copy of "p4" \\(git, hg, svn are possible\\): pass --diff'),
        ("git", "git rev-parse failed in .*: fatal: not a git repository"),
    ],
)
def test_what_is_no_working_copy_is_said(tmp_path: Path, kind: str, told: str):
    with pytest.raises(CommandFailed, match=told):
        local_changes(kind, tmp_path, Wanted())


def test_the_nearest_options_file_counts(tmp_path: Path):
    below = tmp_path / "home" / "work" / "below"
    for place in (tmp_path, tmp_path / "home", below.parent):
        (place / ".buildbot").mkdir(parents=True)
        (place / ".buildbot" / "options").write_text(f"try_who = {place.name!r}\n_hidden = 1\n")
    below.mkdir()
    home = tmp_path / "home"

    assert developer_options(below, home) == {"try_who": "work"}
    assert developer_options(home, home) == {"try_who": "home"}
    shutil.rmtree(home / ".buildbot")
    assert developer_options(home, home) == {}
    assert developer_options(tmp_path / "elsewhere", tmp_path) != {}


def test_an_options_file_of_another_user_is_not_executed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    file = tmp_path / ".buildbot" / "options"
    file.parent.mkdir()
    file.write_text("raise SystemExit")
    another = file.stat().st_uid + 1
    monkeypatch.setattr(os, "getuid", lambda: another)

    with pytest.raises(CommandFailed, match="belongs to another user"):
        developer_options(tmp_path, tmp_path)
