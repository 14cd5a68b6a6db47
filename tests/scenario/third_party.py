"""Plug-ins that others publish, installed from PyPI beside the environment of the tests."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest


def install(place: Path, packages: Iterable[str], needs: Iterable[str]) -> None:
    """Install packages, without what they ask for (Buildbot, above all), and those they need."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target"]
    ended = subprocess.run(
        [*command, str(place), *packages, *needs], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, f"PyPI does not give them: {ended.stderr[-300:]}"


def make_importable(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the masters that a test starts find what is installed there."""
    known = os.environ.get("PYTHONPATH")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(place), known])))
