"""What the how-to guides give people to copy."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from connections import free_port
from installed_master import SUCCESS, InstalledMaster
from waiting import eventually

from buildbot.plugins import util
from chargehand.testing.git_repository import Repository
from chargehand.testing.svn_repository import SvnRepository

_GUIDES = Path(__file__).parents[2] / "docs" / "how-to"


def _text(guide: str) -> str:
    return (_GUIDES / f"{guide}.md").read_text()


def _blocks(guide: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", _text(guide), re.MULTILINE | re.DOTALL)


def _changed(text: str, **replaced: str) -> str:
    for old, new in replaced.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


def test_the_hook_sends_each_commit_of_a_push_with_its_files(
    master: InstalledMaster, tmp_path: Path
):
    (settings, *_), (hook,) = _blocks("build-on-push", "python"), _blocks("build-on-push", "sh")
    master.write(
        "import os\nos.environ['HOOK_PASSWORD'] = 'well kept'\n"
        + settings.replace("tcp:9989", "tcp:0")
        + "add('any', sh('true'))\n"
    )
    master.start()
    (port,) = re.findall(r"listening on 127\.0\.0\.1:(\d+) for workers \(pb\)", master.log)
    repository = _repository(tmp_path)
    script = repository / "hooks" / "post-receive"
    script.write_text(
        hook.replace("localhost:9989", f"localhost:{port}").replace(
            "chargehand sendchange", f"{sys.executable} -m chargehand sendchange"
        )
    )
    script.chmod(0o755)

    copy = tmp_path / "copy"
    _push(copy, repository, "first", {"a b.txt": "1", "c": "1"})
    _push(copy, repository, "second\n\nIn two parts.", {"c": "2"})

    def both() -> list[dict[str, object]] | None:
        found = master.get("changes?order=changeid")
        return found if len(found) == 2 else None

    first, second = eventually("two changes", both)
    assert (sorted(first["files"]), first["comments"]) == (["a b.txt", "c"], "first")
    assert (second["files"], second["comments"]) == (["c"], "second\n\nIn two parts.")
    assert second["branch"] == "main"
    assert second["author"] == "Ann <ann@example.org>"


def _repository(place: Path) -> Path:
    bare, copy = place / "bare.git", place / "copy"
    _git(place, "init", "-q", "--bare", "-b", "main", str(bare))
    _git(place, "clone", "-q", str(bare), str(copy))
    _git(copy, "symbolic-ref", "HEAD", "refs/heads/main")
    return bare


def _push(copy: Path, bare: Path, message: str, files: dict[str, str]) -> None:
    for name, text in files.items():
        (copy / name).write_text(text)
    _git(copy, "add", "-A")
    author = ("-c", "user.name=Ann", "-c", "user.email=ann@example.org")
    _git(copy, *author, "commit", "-q", "-m", message)
    _git(copy, "push", "-q", "origin", "main", HOOK_PASSWORD="well kept")


def _git(place: Path, *arguments: str, **environment: str) -> None:
    done = subprocess.run(
        ["git", *arguments],
        cwd=place,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_configuration_can_be_split_into_modules(master: InstalledMaster, tmp_path: Path):
    place = tmp_path / "repository"
    place.mkdir()
    repository = Repository(place)
    (repository.copy / "Makefile").write_text("test:\n\techo tested\n")
    repository.commit("Begin")
    repository.push()
    website, main = _blocks("split-a-configuration", "python")
    library = website.replace("website", "library")
    website = website.replace("https://git.example.org/website.git", repository.url)
    other = repository.url.replace("/up.git", "/./up.git")
    library = library.replace("https://git.example.org/library.git", other)
    (master.path / "projects").mkdir()
    (master.path / "projects" / "__init__.py").write_text("")
    (master.path / "projects" / "website.py").write_text(website)
    (master.path / "projects" / "library.py").write_text(library)
    force = "schedulers.ForceScheduler(name='force', builderNames=['website', 'library'])"
    master.write_raw(
        main
        + f"from buildbot.plugins import schedulers\nc['schedulers'].append({force})\n"
        + "c['www'] = {'port': 'tcp:0:interface=127.0.0.1'}\nc['buildbotNetUsageData'] = None\n"
    )
    master.start()

    assert master.build("website")["results"] == SUCCESS
    (makefile,) = _blocks("deploy-a-configuration", "makefile")
    (master.path / "Makefile").write_text(makefile)
    reread = _made("reconfig", master.path)
    (master.path / "projects" / "website.py").write_text(website + "nonsense\n")
    refused = _made("reconfig", master.path)

    assert "nothing changed" in reread.stdout
    assert refused.returncode != 0
    assert "projects/website.py" in refused.stdout + refused.stderr


def _made(target: str, directory: Path) -> subprocess.CompletedProcess[str]:
    command = f"CHARGEHAND={sys.executable} -m chargehand.cli.main"
    return subprocess.run(
        ["make", "-C", directory, target, command], capture_output=True, text=True, check=False
    )


def test_the_check_of_waiting_requests_names_them(master: InstalledMaster):
    master.write(
        "c['workers'].append(worker.LocalWorker('other', max_builds=1))\n"
        "add('held', sh('while [ ! -e %s/held.go ]; do sleep 0.02; done' % HERE))\n"
    )
    master.start()
    first = master.force("held")
    master.running_build(first)
    second = master.force("held")
    check = _changed(
        _blocks("monitor", "python")[0],
        **{
            "['chargehand', ": f"['{sys.executable}', '-m', 'chargehand', ",
            "'/srv/ci'": repr(str(master.path)),
            "> 1800": "> -1",
        },
    )

    ran = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=False)

    assert ran.returncode == 1, ran.stderr
    assert f"request:{second} of held waits: " in ran.stdout
    master.let_go("held")


@pytest.mark.slow
def test_a_backup_of_a_running_master_is_restored(master: InstalledMaster, tmp_path: Path):
    master.write("add('good', sh('seq 30000'))\n")
    master.start()
    build = master.build("good")
    assert "sqlite3 /srv/ci/state.sqlite \".backup '" in _text("back-up-and-restore")
    backup = "import sqlite3; sqlite3.connect('state.sqlite').backup(sqlite3.connect('copy'))"
    subprocess.run([sys.executable, "-c", backup], cwd=master.path, check=True)
    restored = InstalledMaster(tmp_path / "restored")
    (master.path / "copy").rename(restored.path / "state.sqlite")
    subprocess.run(["cp", "-a", master.path / "logs", restored.path / "logs"], check=True)
    (restored.path / "master.cfg").write_text((master.path / "master.cfg").read_text())
    try:
        restored.start()

        assert restored.output(build, "shell")[-1] == "30000"
    finally:
        restored.stop()
        restored.end()


def test_revisions_of_subversion_are_built_on_their_branch(master: InstalledMaster, tmp_path: Path):
    repository = SvnRepository(tmp_path)
    repository.commit("layout", "mkdir trunk", "mkdir branches")
    settings, function = _blocks("build-from-subversion", "python")
    with repository.served(free_port()) as url:
        text = _changed(
            settings,
            **{
                "svn://svn.example.org/project": url,
                "pollInterval=60": "pollInterval=0.2, pollAtLaunch=True",
                "treeStableTimer=30": "treeStableTimer=None",
                "['make', 'check']": "['ls']",
            },
        )
        master.write(text + function)
        master.start()
        eventually("the first poll", lambda: master.get("changesources")[0]["state"] == "ok")
        repository.commit("branch off", "cp HEAD trunk branches/1.x", "put new= branches/1.x/new")
        [build] = eventually("a build", lambda: master.get("builds?complete=true"))
        repository.commit("on trunk", "put new= trunk/old")
        eventually("a build of trunk", lambda: len(master.get("builds?complete=true")) == 2)

    assert build["results"] == SUCCESS
    assert master.output(build, "shell") == ["new"]
    trunk = master.get("builds?order=-buildid")[0]
    assert (trunk["results"], master.output(trunk, "shell")) == (SUCCESS, ["old"])
    first, second = master.get("changes?order=changeid")
    assert (first["branch"], first["revision"]) == ("branches/1.x", "2")
    assert second["branch"] is None


def test_a_project_among_others_is_chosen():
    _, function = _blocks("build-from-subversion", "python")
    scope = {"util": util}
    exec(function, scope)
    only_nevow = scope["only_nevow"]

    assert only_nevow("nevow/trunk/a") == {
        "project": "nevow",
        "path": "a",
        "branch": "nevow/trunk",
    }
    assert only_nevow("nevow/branches/1/a/b")["branch"] == "nevow/branches/1"
    assert only_nevow("quotient/trunk/a") is None
    assert only_nevow("README") is None
