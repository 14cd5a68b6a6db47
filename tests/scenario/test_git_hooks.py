"""`chargehand run` as a hook of git's: the repository that is pushed from stays as it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from installed_master import InstalledMaster

from chargehand.testing.git_repository import Repository


def test_a_hook_builds_the_working_copy_and_does_not_touch_its_repository(
    master: InstalledMaster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    repository = Repository(tmp_path)
    head = repository.commit("one")
    repository.copy.joinpath("file").write_text("as it is now\n")
    master.write(
        """
        add('b', steps.Git(repourl='https://example.org/x.git', mode='full', method='fresh'),
                 sh('git rev-parse HEAD; cat file', name='look'))
        """
    )
    for name, value in {
        "GIT_DIR": repository.copy / ".git",
        "GIT_INDEX_FILE": repository.copy / ".git" / "index",
        "GIT_PREFIX": "",
    }.items():
        monkeypatch.setenv(name, str(value))

    ran = master.chargehand("run", "b", "--source", str(repository.copy))

    assert ran.status == 0, ran.text
    assert "as it is now" in ran.out
    assert head not in ran.out  # it is a snapshot with a revision of its own
    assert repository.git("rev-parse", "HEAD") == head
    assert repository.git("status", "--porcelain") == "M file"
