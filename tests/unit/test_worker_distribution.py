"""The agent installs alone: it has all that it imports, and its options are documented."""

from __future__ import annotations

import argparse
import ast
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from chargehand_worker.main import command_line

ROOT = Path(__file__).parents[2]
DISTRIBUTION = tomllib.loads((ROOT / "worker" / "pyproject.toml").read_text())
INCLUDED = DISTRIBUTION["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]


def _others() -> list[str]:
    """Other Pythons on this machine that the worker supports."""
    found = [shutil.which(f"python3.{minor}") for minor in range(9, 15)]
    found += map(str, Path.home().glob(".pyenv/versions/3.*/bin/python3"))
    versions = (re.search(r"3\.(\d+)", path or "") for path in found)
    return [
        path
        for path, version in zip(found, versions, strict=True)
        if path and "shims" not in path and version and int(version.group(1)) >= 9
    ]


def test_its_version_is_the_masters():
    ours = tomllib.loads((ROOT / "pyproject.toml").read_text())

    assert DISTRIBUTION["project"]["version"] == ours["project"]["version"]


def test_it_has_every_module_that_it_imports():
    files = [ROOT / "worker" / path for path in INCLUDED]
    sources = [*files[0].glob("*.py"), *files[1:]]

    imported = {
        node.module
        for source in sources
        for node in ast.walk(ast.parse(source.read_text()))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("chargehand_wire.")
    }
    assert imported <= {
        f"chargehand_wire.{path.stem}" for path in files if path.parent.name == "chargehand_wire"
    }


def test_its_options_are_in_the_reference_and_no_others():
    text = (ROOT / "docs" / "reference" / "command-line.md").read_text()
    section = text.partition("\n## chargehand-worker\n")[2].partition("\n## ")[0]
    commands = next(
        action.choices
        for action in command_line()._actions
        if isinstance(action, argparse._SubParsersAction)
    )
    known = {
        option
        for name in ("create-worker", "start", "stop", "restart")
        for action in commands[name]._actions
        for option in action.option_strings
    } - {"-h", "--help"}

    rows = re.findall(r"^\| (`-[^|]+)\|", section, re.MULTILINE)
    assert set(re.findall(r"`(-[-\w]+)", " ".join(rows))) == known


@pytest.mark.slow
def test_it_installs_and_starts_alone(tmp_path: Path):
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    subprocess.run([venv / "bin" / "pip", "install", "-q", ROOT / "worker"], check=True)

    created = subprocess.run(
        [venv / "bin" / "chargehand-worker", "create-worker", tmp_path / "w", "ci", "arm-7", "p"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert created.returncode == 0, created.stderr
    assert (tmp_path / "w" / "worker.toml").stat().st_mode & 0o777 == 0o600


@pytest.mark.slow
@pytest.mark.parametrize("python", sorted({sys.executable, *_others()}))
def test_it_runs_on_every_python_that_is_here(python: str):
    """Imports all of it without compiled packages, and speaks."""
    script = (
        "import sys; sys.modules.update(msgspec=None, zstandard=None)\n"
        "from chargehand_worker import remote_agent, remote_link, main, daemon, creating, files\n"
        "from chargehand_wire.worker_side import WorkerSide\n"
        "side = WorkerSide(name='w', incarnation='1', info={}); side.connect()\n"
        "print(len(side.take()))"
    )

    ran = subprocess.run(
        [python, "-c", script], env={"PYTHONPATH": ROOT / "src"}, capture_output=True, check=False
    )

    assert (ran.returncode, ran.stdout) == (0, b"13\n"), ran.stderr
