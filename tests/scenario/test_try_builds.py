"""`chargehand try` against a running master: patches from working copies are built."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from connections import free_port
from installed_master import InstalledMaster
from waiting import eventually

_PORT = free_port()
_CONFIGURATION = f"""
    add('good', steps.Git(repourl=str(HERE / 'server'), mode='full', name='sources'),
        sh('cat f; test "$(cat f)" = changed', name='check'))
    add('bad', sh('exit 3', name='breaks'))
    add('other', sh('true'))
    c['secretsProviders'] = [secrets.SecretInAFile(str(HERE / 'secrets'))]
    c['schedulers'] += [
        schedulers.Try_Userpass('over-pb', ['good', 'bad'], port='tcp:{_PORT}:interface=127.0.0.1',
            userpass=[('ann', util.Secret('ann')), ('bob', 'pw2')], properties={{'own': 'mine'}}),
        schedulers.Try_Jobdir('over-ssh', ['good', 'bad'], jobdir='jobs'),
    ]
    """
_PB = ("--connect=pb", f"--master=127.0.0.1:{_PORT}", "--username=ann", "--passwd=pw", "--vc=git")


def _git(*arguments: str, at: Path) -> str:
    identity = ("-c", "user.name=Ann", "-c", "user.email=ann@example.org")
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=at, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InstalledMaster]:
    """A master, and beside its configuration the repository that it builds."""
    place = tmp_path_factory.mktemp("try")
    master = InstalledMaster(place / "master")
    secrets = master.path / "secrets"
    secrets.mkdir(parents=True, mode=0o700)
    (secrets / "ann").write_text("pw")
    (secrets / "ann").chmod(0o600)
    server = master.path / "server"
    server.mkdir()
    _git("init", "--quiet", "--initial-branch=main", at=server)
    (server / "f").write_text("first\n")
    _git("add", "f", at=server)
    _git("commit", "--quiet", "--message=first", at=server)
    master.write(_CONFIGURATION)
    master.start()
    yield master
    master.stop()
    master.end()


@pytest.fixture
def copy(shared: InstalledMaster, tmp_path: Path) -> Path:
    """A clone of the repository in which something is changed and not committed."""
    _git("clone", "--quiet", str(shared.path / "server"), "copy", at=tmp_path)
    (tmp_path / "copy" / "f").write_text("changed\n")
    return tmp_path / "copy"


def _tried(place: Path, *arguments: str, home: Path | None = None) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "chargehand.cli.main", "try", *arguments],
        cwd=place,
        env={**os.environ, "HOME": str(home or place)},
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    return done.returncode, done.stdout + done.stderr


def test_a_patch_is_built_and_its_builds_are_waited_for(shared: InstalledMaster, copy: Path):
    status, said = _tried(
        *(copy, *_PB, "-b", "good", "--wait", "--who=ann", "-C", "see", "--property=k=v"),
        "--properties=own=no,l=w",
    )

    assert status == 0, said
    assert "good: started" in said
    assert "good: check" in said
    assert "good: success (build successful)" in said
    build = shared.get("builders/good/builds?order=-number&limit=1")[0]
    assert build["state_string"] == "build successful"
    buildset = shared.get("buildsets?order=-bsid&limit=1")[0]
    assert buildset["reason"] == "'try' job by user ann (see)"
    stamp = buildset["sourcestamps"][0]
    assert (stamp["branch"], stamp["patch"]["level"]) == ("main", 1)
    assert (stamp["patch"]["author"], stamp["patch"]["comment"]) == ("ann", "see")
    assert stamp["revision"] == _git("rev-parse", "HEAD", at=copy)
    properties = shared.get(f"builds/{build['buildid']}/properties")[0]
    assert properties["k"] == ["v", "try build"]
    assert properties["own"] == ["mine", "Scheduler"]


def test_a_build_that_fails_is_the_commands_result(shared: InstalledMaster, copy: Path):
    status, said = _tried(copy, *_PB, "--builder=bad", "--wait", "--quiet")

    assert status == 1
    assert "bad: failure (failed: breaks (exit 3))" in said
    assert "bad: started" not in said


def test_what_was_committed_and_not_pushed_is_part_of_the_patch(
    shared: InstalledMaster, copy: Path
):
    pushed = _git("rev-parse", "HEAD", at=copy)
    _git("commit", "--quiet", "--all", "--message=mine", at=copy)
    on_its_branch = _tried(copy, *_PB, "--dryrun")
    _git("checkout", "--quiet", "-b", "feature", at=copy)
    on_an_own_one = _tried(copy, *_PB, "-n", "--repository=elsewhere")

    assert on_its_branch[0] == on_an_own_one[0] == 0
    for said, branch in ((on_its_branch[1], "main"), (on_an_own_one[1], "feature")):
        assert f"Branch: {branch}\n\tRevision: {pushed}" in said
        assert "-first\n+changed" in said
    assert "Repository: elsewhere" in on_an_own_one[1]


def test_a_patch_from_a_file_is_sent_as_it_is(shared: InstalledMaster, copy: Path):
    (copy / "my.diff").write_text(_git("diff", at=copy) + "\n")
    given = ("--diff=my.diff", "-p1", "--branch=main", "--baserev=HEAD", "-b", "good", "--wait")
    status, said = _tried(copy, *_PB, *given)

    assert status == 0, said


def test_the_builders_are_listed_and_others_refused(shared: InstalledMaster, copy: Path):
    listed = _tried(copy, *_PB, "--get-builder-names")
    refused = _tried(copy, *_PB, "-b", "other")

    assert listed == (
        0,
        "using 'pb' connect method\n"
        "The following builders are available for the try scheduler: \ngood\nbad\n",
    )
    assert refused[0] == 1
    assert "does not have these builders: --get-builder-names lists those" in refused[1]


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (("--passwd=no", "-b", "good"), 1, "refused the user 'ann': the name or the password"),
        (("--master=127.0.0.1:1", "-b", "good"), 1, "does it have a Try_Userpass on this port?"),
        (("--master=nonsense",), 1, 'the master must be HOST:PORT, not "nonsense"'),
        (("--vc=cvs",), 1, "pass --diff FILE and --baserev REVISION"),
        (("--property=x",), 2, 'a property must be NAME=VALUE, not "x"'),
        (("--connect=ssh",), 2, "--connect=ssh needs --host=HOST and --jobdir=DIRECTORY"),
        (("--topfile=nowhere",), 1, 'no directory above has a file "nowhere"'),
    ],
)
def test_what_is_wrong_is_said(
    shared: InstalledMaster, copy: Path, arguments: tuple[str, ...], status: int, told: str
):
    ended, said = _tried(copy, *_PB, *arguments)

    assert ended == status, said
    assert told in said


def test_a_job_over_ssh_is_built_and_defaults_come_from_the_options_file(
    shared: InstalledMaster, copy: Path, tmp_path: Path
):
    before = len(shared.get("builders/good/builds"))
    shell = tmp_path / "ssh"
    shell.write_text('#!/bin/sh\necho "$1 $2 $3 $4 $5" >&2; shift 5; exec sh -c "$*"\n')
    shell.chmod(0o755)
    options = tmp_path / ".buildbot" / "options"
    options.parent.mkdir()
    options.write_text(
        "try_connect = 'ssh'\ntry_host = 'ci'\ntry_username = 'ann'\ntry_port = 22\n"
        f"try_dir = {str(shared.path / 'jobs')!r}\ntry_vc = 'git'\ntry_builders = ['good']\n"
        f"try_ssh = {str(shell)!r}\n"
        f"try_buildbotbin = {f'{sys.executable} -m chargehand.cli.main'!r}\n"
    )

    status, said = _tried(copy, home=tmp_path)

    assert status == 0, said
    assert "-l ann -p 22 ci\n" in said
    assert "job has been delivered\n" in said
    builds = eventually(
        "the job is built",
        lambda: [
            build for build in shared.get("builders/good/builds")[before:] if build["complete"]
        ],
    )
    assert builds[0]["state_string"] == "build successful"


def test_an_options_file_with_an_error_is_named(copy: Path):
    (copy / ".buildbot").mkdir()
    (copy / ".buildbot" / "options").write_text("try_connect = pb\n")

    status, said = _tried(copy)

    assert status == 1
    assert f"{copy}/.buildbot/options: NameError: name 'pb' is not defined" in said
