"""Masters for scenarios; nothing of them may be left when a test has ended."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from installed_master import InstalledMaster


@pytest.fixture
def master(tmp_path: Path) -> Iterator[InstalledMaster]:
    """A master's directory of the test's own."""
    installed = InstalledMaster(tmp_path / "master")
    yield installed
    installed.end()
