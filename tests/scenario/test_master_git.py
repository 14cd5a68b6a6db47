"""A repository from its commits to builds, while it vanishes and comes back."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from installed_master import SUCCESS, InstalledMaster
from waiting import eventually


def _git(path: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=Me", "-c", "user.email=me@example.com")
    ran = subprocess.run(
        ["git", *identity, *arguments], cwd=path, capture_output=True, text=True, check=True
    )
    return ran.stdout.strip()


def _commit(path: Path, text: str) -> str:
    (path / "file").write_text(text)
    _git(path, "add", "file")
    _git(path, "commit", "-qm", text)
    return _git(path, "rev-parse", "HEAD")


def _built(master: InstalledMaster, revision: str) -> dict[str, object]:
    def look() -> dict[str, object] | None:
        for build in master.get("builds?complete=true&property=got_revision"):
            if build["properties"].get("got_revision", [None])[0] == revision:
                return build
        return None

    return eventually(f"a build of {revision}; {master.log}", look)


def test_commits_are_built_while_the_repository_vanishes_and_comes_back(
    master: InstalledMaster, tmp_path: Path
):
    repository = tmp_path / "repository"
    repository.mkdir()
    _git(repository, "init", "-qb", "main")
    _commit(repository, "first")
    master.write(f"""
        c['change_source'] = [changes.GitPoller({str(repository)!r}, branches=['main'],
                                                pollInterval=0.2, pollAtLaunch=True)]
        c['schedulers'] = [schedulers.SingleBranchScheduler(name='main', builderNames=['b'],
                           change_filter=util.ChangeFilter(branch='main'))]
        add('b', steps.Git(repourl={str(repository)!r}, mode='incremental', name='git'),
            sh('cat file', name='show'))
        """)
    master.start()
    eventually("the first poll", lambda: (master.path / "gitpoller-work").exists())
    eventually("the first poll", lambda: master.get("changesources"))
    first = master.build("b", branch="main")
    assert first["results"] == SUCCESS
    assert master.output(first, "show") == ["first"]

    second = _commit(repository, "second")
    build = _built(master, second)
    assert build["results"] == SUCCESS
    shutil.move(repository, tmp_path / "away")
    eventually("the fault", lambda: "polling continues" in master.log)
    broken = master.build("b", branch="main")
    shutil.move(tmp_path / "away", repository)
    third = _commit(repository, "third")
    build = _built(master, third)

    assert broken["results"] != SUCCESS
    assert "does not" in "\n".join(master.lines(broken, "git"))
    assert build["results"] == SUCCESS
    assert master.output(build, "show") == ["third"]
    assert [change["comments"] for change in master.get("changes?order=changeid")] == [
        "second",
        "third",
    ]
    assert "works again" in master.log
