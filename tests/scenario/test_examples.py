"""The configurations that people copy: the examples, the README's, the tutorial's."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from installed_master import SUCCESS, WARNINGS, InstalledMaster

from chargehand.testing.git_repository import Repository

_ROOT = Path(__file__).parents[2]
_EXAMPLES = sorted(path.parent for path in _ROOT.glob("examples/*/master.cfg"))


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """A repository with something in it for each example."""
    return _repository(tmp_path / "repository")


def _repository(place: Path) -> Repository:
    place.mkdir()
    made = Repository(place)
    files = {
        "test_all.py": "import unittest\n\nclass T(unittest.TestCase):\n    def test(self): pass\n",
        "notes.txt": "TODO: this\nTODO: that\nTODO: and more\n",
        "Makefile": "all:\n\techo compiled\ncheck:\n\techo checked\n",
        "main.txt": "the program\n",
    }
    for name, text in files.items():
        (made.copy / name).write_text(text)
    made.commit("Begin")
    made.push()
    return made


def _install(master: InstalledMaster, text: str, replaced: dict[str, str]) -> None:
    """Write a configuration of the documentation with these parts replaced; all must be there."""
    replaced = {
        "tcp:8010:interface": "tcp:0:interface",
        **replaced,
    }
    for old, new in replaced.items():
        assert old in text, old
        text = text.replace(old, new)
    master.write_raw(text)


def _copy(master: InstalledMaster, name: str, replaced: dict[str, str]) -> None:
    example = _ROOT / "examples" / name
    shutil.copytree(example, master.path, dirs_exist_ok=True)
    _install(master, (example / "master.cfg").read_text(), replaced)


@pytest.mark.parametrize("example", _EXAMPLES, ids=lambda path: path.name)
def test_an_example_has_neither_errors_nor_warnings(master: InstalledMaster, example: Path):
    ran = master.chargehand("checkconfig", str(example))

    assert ran.status == 0, ran.text
    assert "warning" not in ran.text
    assert example.name in (_ROOT / "examples" / "README.md").read_text()


def test_the_python_project_is_tested(master: InstalledMaster, repository: Repository):
    _copy(
        master,
        "python-project",
        {
            "https://github.com/pypa/sampleproject.git": repository.url,
            "['-e', '.']": "[]",
            "'-m', 'venv', '.venv'": "'-m', 'venv', '--without-pip', '.venv'",
        },
    )
    master.start()

    build = master.build("tests", failfast=True)

    assert build["results"] == SUCCESS, master.steps(build)
    assert "eOK" in master.lines(build, "test")
    assert "--failfast" in master.raw(build, "test").decode()


def test_the_python_project_runs_without_a_master(master: InstalledMaster, repository: Repository):
    _copy(
        master,
        "python-project",
        {
            "['-e', '.']": "[]",
            "'-m', 'venv', '.venv'": "'-m', 'venv', '--without-pip', '.venv'",
        },
    )
    (repository.copy / "test_more.py").write_text("raise SystemExit('not committed')\n")

    ran = master.chargehand("run", "tests", "--source", str(repository.copy))

    assert ran.status == 1
    assert "not committed" in ran.out


def test_locks_and_properties_build_all_flavours(master: InstalledMaster, repository: Repository):
    _copy(
        master,
        "locks-and-properties",
        {
            "https://github.com/buildbot/hello-world.git": repository.url,
            "branch = 'master'": "branch = 'main'",
        },
    )
    master.start()

    debug = master.build("debug", warnings=True)
    release = master.build("release", target="production")

    short = repository.git("rev-parse", "--short", "HEAD")
    assert debug["results"] == release["results"] == SUCCESS
    assert master.output(debug, "compile") == ["make -j2 CFLAGS=-O0 -g -Wall"]
    assert master.step(debug, "benchmark")["hidden"]
    assert master.output(release, "benchmark")[0] in (
        "measured on a fast disk",
        "measured on a slow disk",
    )
    assert master.output(release, "deploy") == [f"release-{short} to production"]


def test_own_steps_count_and_judge(master: InstalledMaster, repository: Repository):
    _copy(
        master,
        "own-steps",
        {
            "https://github.com/buildbot/hello-world.git": repository.url,
            "branch = 'master'": "branch = 'main'",
        },
    )
    master.start()

    build = master.build("survey")
    elsewhere = master.force("survey", only_on="elsewhere")

    assert build["results"] == WARNINGS
    assert master.step(build, "survey")["state_string"] == "4 TODOs"
    assert master.output(build, "report") == ["4 found"]
    assert "canStartBuild" in master.waits(elsewhere, "refused_by_function")


@pytest.mark.slow
def test_codebases_are_built_together(
    master: InstalledMaster,
    repository: Repository,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("HOME", str(tmp_path))
    # git forbids submodules of file:// else
    (tmp_path / ".gitconfig").write_text('[protocol "file"]\n\tallow = always\n')
    library = _repository(tmp_path / "library")
    part = _repository(tmp_path / "part")
    (part.copy / "part.txt").write_text("a part\n")
    part.commit("Part")
    part.push()
    allow = ("-c", "protocol.file.allow=always")
    library.git(*allow, "submodule", "--quiet", "add", part.url, "part")
    library.commit("Add a submodule")
    library.push()
    _copy(
        master,
        "submodules-and-codebases",
        {
            "https://example.org/program.git": repository.url,
            "https://example.org/library.git": library.url,
        },
    )
    ran = master.chargehand("run", "together", "--source", f"library={library.copy}")
    assert ran.status == 0, ran.text
    assert "a part" in ran.text
    master.start()

    build = master.build("together")

    assert build["results"] == SUCCESS, (master.steps(build), master.log)
    assert master.output(build, "versions") == ["program main, library main"]
    assert {"the program", "a part"} <= set(master.output(build, "build"))
    got = master.properties(build)["got_revision"][0]
    assert got == {
        "program": repository.git("rev-parse", "HEAD"),
        "library": library.git("rev-parse", "HEAD"),
    }


def test_the_thirty_lines_of_the_readme_build(master: InstalledMaster, repository: Repository):
    readme = (_ROOT / "README.md").read_text()
    (text,) = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    _install(
        master,
        text,
        {
            "https://github.com/buildbot/hello-world.git": repository.url,
            "['master']": "['main']",
            "branch='master'": "branch='main'",
        },
    )

    checked = master.chargehand("checkconfig", str(master.path))
    ran = master.chargehand("run", "linux", "--config", str(master.path))

    assert checked.status == 0, checked.text
    assert "warning" not in checked.text
    assert ran.status == 0, ran.text
    assert "compiled" in ran.out
    assert len(text.splitlines()) <= 32


def test_the_tutorial_leads_to_a_build(master: InstalledMaster, repository: Repository):
    made = master.chargehand("create-master", str(master.path))
    sample = master.file("master.cfg.sample").read_text()
    _install(
        master,
        sample,
        {
            "https://github.com/buildbot/hello-world.git": repository.url,
            "['master']": "['main']",
            "branch='master'": "branch='main'",
        },
    )

    checked = master.chargehand("checkconfig", str(master.path))
    master.start()
    build = master.build("runtests", reason="first")

    assert (made.status, checked.status) == (0, 0), made.text + checked.text
    assert "warning" not in checked.text
    assert build["results"] == SUCCESS
