"""The command line as a user has it: each command a process of its own."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from waiting import PATIENCE

from chargehand.cli.main import commands as root

RUN_CONFIGURATION = """
from buildbot.plugins import schedulers, steps, util, worker

c = BuildmasterConfig = {}
c['workers'] = [worker.LocalWorker('here')]
quiet = {'logEnviron': False}
factory = util.BuildFactory([
    steps.Git(repourl='https://example.org/project.git', mode='incremental', **quiet),
    steps.ShellCommand(name='show', command='cat greeting.txt', **quiet),
    steps.ShellCommand(name='say', command=['echo', util.Interpolate('%(prop:word)s')], **quiet),
])
class OnDemand(worker.AbstractLatentWorker):
    def start_instance(self, build):
        raise RuntimeError('this machine is not started')
c['workers'].append(OnDemand('elsewhere', None))
c['protocols'] = {'pb': {'port': 'tcp:0:interface=127.0.0.1'}}
failing = util.BuildFactory([steps.ShellCommand(name='fail', command='exit 3', **quiet)])
c['builders'] = [
    util.BuilderConfig(name='project', workernames=['here'], factory=factory),
    util.BuilderConfig(name='failing', workernames=['elsewhere'], factory=failing),
]
c['schedulers'] = [schedulers.ForceScheduler(name='force', builderNames=['project', 'failing'])]
c['buildbotNetUsageData'] = None
"""


def chargehand(*arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "chargehand.cli.main", *map(str, arguments)]
    return subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, timeout=PATIENCE, check=False
    )


def git(*arguments: str, cwd: Path) -> None:
    identity = {
        "GIT_AUTHOR_NAME": "A",
        "GIT_AUTHOR_EMAIL": "a@b",
        "GIT_COMMITTER_NAME": "A",
        "GIT_COMMITTER_EMAIL": "a@b",
    }
    subprocess.run(
        ["git", *arguments], cwd=cwd, check=True, capture_output=True, env=os.environ | identity
    )


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    path = tmp_path / "master.cfg"
    path.write_text(RUN_CONFIGURATION)
    return path


@pytest.fixture
def working_copy(tmp_path: Path) -> Path:
    path = tmp_path / "project"
    path.mkdir()
    git("init", "--quiet", "--initial-branch=main", cwd=path)
    (path / "greeting.txt").write_text("committed\n")
    git("add", ".", cwd=path)
    git("commit", "--quiet", "-m", "first", cwd=path)
    return path


def test_run_builds_a_working_copy_as_it_is_and_leaves_it_alone(configuration, working_copy):
    (working_copy / "greeting.txt").write_text("not committed\n")
    (working_copy / "new.txt").write_text("new\n")
    before = sorted(p.name for p in (working_copy / ".git").iterdir())

    ran = chargehand(
        "run", "project", "--config", configuration, "--source", working_copy, "-p", "word=hello"
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "not committed" in ran.stdout
    assert "\n    hello\n" in ran.stdout
    assert "success" in ran.stdout
    assert (working_copy / "greeting.txt").read_text() == "not committed\n"
    assert sorted(p.name for p in (working_copy / ".git").iterdir()) == before


def test_run_builds_a_directory_that_is_no_repository(configuration, tmp_path):
    source = tmp_path / "plain"
    source.mkdir()
    (source / "greeting.txt").write_text("just a file\n")

    ran = chargehand(
        "run", "project", "--config", configuration, "--source", source, "-p", "word=x"
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "just a file" in ran.stdout


def test_run_opens_no_port_so_that_a_running_master_does_not_hinder_it(configuration, working_copy):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        configuration.write_text(
            RUN_CONFIGURATION.replace("tcp:0:", f"tcp:{port}:").replace(
                "worker.LocalWorker('here')", "worker.Worker('here', 'password')"
            )
        )
        ran = chargehand(
            "run", "project", "--config", configuration, "--source", working_copy, "-p", "word=x"
        )

    assert ran.returncode == 0, ran.stdout + ran.stderr


_CODEBASES = """
from buildbot.plugins import schedulers, steps, util, worker
c = BuildmasterConfig = {'buildbotNetUsageData': None}
c['schedulers'] = [schedulers.ForceScheduler(name='force', builderNames=['both'])]
c['workers'] = [worker.LocalWorker('w')]
c['builders'] = [util.BuilderConfig(name='both', workernames=['w'], factory=util.BuildFactory([
    steps.Git(codebase='a', repourl='%s/a', workdir='a', submodules=True),
    steps.Git(codebase='b', repourl='%s/ab', workdir='b'),
    steps.ShellCommand(command='cat a/file a/sub/file b/file', workdir='.', name='look'),
]))]
"""


@pytest.mark.slow
def test_run_builds_several_directories_with_their_submodules(tmp_path):
    allow = ("-c", "protocol.file.allow=always")
    for name in ("sub", "a", "ab"):
        (tmp_path / name).mkdir()
        git("init", "--quiet", "--initial-branch=main", cwd=tmp_path / name)
        (tmp_path / name / "file").write_text(f"{name} committed\n")
        if name == "a":
            git(*allow, "submodule", "add", "-q", tmp_path / "sub", "sub", cwd=tmp_path / name)
        git("add", ".", cwd=tmp_path / name)
        git("commit", "--quiet", "-m", "first", cwd=tmp_path / name)
    (tmp_path / "a" / "file").write_text("a changed\n")
    (tmp_path / "a" / "sub" / "file").write_text("sub changed\n")
    configuration = tmp_path / "master.cfg"
    configuration.write_text(_CODEBASES % (tmp_path, tmp_path))
    here = ("run", "both", "--config", configuration)

    both = chargehand(*here, "--source", f"a={tmp_path / 'a'}", "--source", f"b={tmp_path / 'ab'}")
    one = chargehand(*here, "--source", f"a={tmp_path / 'a'}")
    unclear = chargehand(*here, "--source", tmp_path / "a")
    unknown = chargehand(*here, "--source", f"x={tmp_path / 'a'}")

    for ran in (both, one):
        assert ran.returncode == 0, ran.stdout + ran.stderr
        for line in ("a changed", "sub changed", "ab committed"):
            assert line in ran.stdout
    assert "name its codebase" in unclear.stderr
    assert 'the builder has no codebase "x" (it has: a, b)' in unknown.stderr


def test_run_builds_in_the_given_directory_and_keeps_it(configuration, working_copy, tmp_path):
    place = tmp_path / "kept"

    ran = chargehand(
        *("run", "project", "--config", configuration, "--source", working_copy),
        *("-p", "word=x", "--workdir", place),
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert list(place.rglob("greeting.txt"))


def test_run_tells_by_its_status_that_a_build_failed(configuration):
    ran = chargehand("run", "failing", "--config", configuration.parent)

    assert ran.returncode == 1
    assert "program finished with exit code 3" in ran.stdout
    assert "failed" in ran.stdout


def test_run_names_builders_that_are_alike(configuration):
    ran = chargehand("run", "projekt", "--config", configuration)

    assert ran.returncode == 1
    assert ran.stderr.strip() == (
        'the configuration has no builder "projekt". Did you mean "project"?'
    )


def test_run_names_the_builders_to_choose_from(configuration):
    ran = chargehand("run", "--config", configuration)

    assert ran.returncode == 1
    assert ran.stderr.startswith("name the builder to run: project, failing")


def test_run_needs_no_name_of_the_only_builder(tmp_path):
    path = tmp_path / "master.cfg"
    path.write_text(
        "from buildbot.plugins import *\n"
        "c = BuildmasterConfig = {'workers': [worker.LocalWorker('w')], 'schedulers': []}\n"
        "factory = util.BuildFactory([steps.ShellCommand(command=['echo', 'the only one'])])\n"
        "c['builders'] = [util.BuilderConfig(name='b', workernames=['w'], factory=factory)]\n"
        "c['schedulers'] = [schedulers.ForceScheduler(name='force', builderNames=['b'])]\n"
    )

    ran = chargehand("run", "--config", path)

    assert ran.returncode == 0, ran.stderr
    assert "the only one" in ran.stdout


def test_the_demonstration_builds_its_sample_repository(tmp_path):
    ran = chargehand("demo", "--once", "--directory", tmp_path / "demo", "--port", "18010")

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "Hello, version 1.0!" in ran.stdout
    assert "tests #1: build successful" in ran.stdout
    assert (tmp_path / "demo" / "sample" / ".git").exists()


def test_a_new_master_directory_has_a_configuration_that_is_good(tmp_path):
    created = chargehand("create-master", tmp_path / "ci")
    sample = tmp_path / "ci" / "master.cfg.sample"

    assert created.returncode == 0, created.stderr
    checked = chargehand("checkconfig", sample)
    assert checked.returncode == 0, checked.stderr
    assert checked.stdout.startswith("Configuration OK: ")
    assert checked.stderr == ""


def test_create_master_keeps_what_exists(tmp_path):
    chargehand("create-master", tmp_path / "ci")
    settings = tmp_path / "ci" / "buildbot.tac"
    settings.write_text("configfile = 'other.cfg'\n")

    chargehand("create-master", tmp_path / "ci")
    assert settings.read_text() == "configfile = 'other.cfg'\n"

    chargehand("create-master", "--force", "--config", "mine.cfg", tmp_path / "ci")
    assert "configfile = 'mine.cfg'" in settings.read_text()
    assert (tmp_path / "ci" / "mine.cfg.sample").exists()


def test_a_relocatable_master_does_not_name_its_directory(tmp_path):
    chargehand("create-master", "--relocatable", tmp_path / "ci")

    assert str(tmp_path) not in (tmp_path / "ci" / "buildbot.tac").read_text()


def test_upgrade_master_brings_a_directory_up_to_date(tmp_path, configuration):
    chargehand("create-master", tmp_path / "ci")
    (tmp_path / "ci" / "master.cfg").write_text(configuration.read_text())

    upgraded = chargehand("upgrade-master", tmp_path / "ci")

    assert upgraded.returncode == 0, upgraded.stderr
    assert "is up to date" in upgraded.stdout


def test_create_worker_keeps_the_password_to_itself(tmp_path):
    created = chargehand("create-worker", tmp_path / "w", "localhost:9989", "w1", "secret")

    assert created.returncode == 0, created.stderr
    settings = tmp_path / "w" / "worker.toml"
    assert settings.stat().st_mode & 0o077 == 0
    assert 'password = "secret"' in settings.read_text()
    assert (tmp_path / "w" / "info" / "host").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["chekconfig"], 'Did you mean "checkconfig"?'),
        (["start", "/nonexistent"], "To create it: chargehand create-master"),
        (
            ["checkconfig", "/nonexistent.cfg"],
            'configuration file "/nonexistent.cfg" does not exist',
        ),
        (["stop", "."], "is not a master's directory"),
        (["create-worker", "w", "ci:http", "n", "p"], "is not a master's address"),
        (["worker", "start", "."], "is not a worker's directory: it has no worker.toml"),
        (["run", "b", "--property", "x"], "--property must be NAME=VALUE"),
    ],
)
def test_a_mistake_gets_a_sentence_and_no_traceback(arguments, message, tmp_path, configuration):
    empty = tmp_path / "empty"
    empty.mkdir()
    if arguments[0] == "run":
        arguments = [*arguments, "--config", str(configuration)]

    failed = chargehand(*arguments, cwd=empty)

    assert failed.returncode in (1, 2)
    assert message in failed.stderr
    assert "Traceback" not in failed.stderr


def test_every_command_has_help_that_says_what_it_does():
    overview = chargehand("--help").stdout
    commands = re.findall(r"^  ([a-z-]+)  ", overview.partition("Commands:")[2], re.MULTILINE)

    assert {"create-master", "start", "run", "demo"} <= set(commands)
    for command in commands:
        shown = CliRunner().invoke(root, [command, "--help"])
        assert shown.exit_code == 0, command
        assert len(shown.stdout.splitlines()) > 4, command
