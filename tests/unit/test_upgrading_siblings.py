"""What Python 2 imported from beside a module of a package gets a dot."""

from __future__ import annotations

from pathlib import Path

import pytest

from buildbot._host.upgrading.upgrade import upgraded


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package in a directory that also has a module; both know ``taken``."""
    place = tmp_path / "farm"
    (place / "parts").mkdir(parents=True)
    for name in ("__init__", "helpers", "taken", "json", "parts/__init__"):
        (place / f"{name}.py").touch()
    (tmp_path / "taken.py").touch()
    return place


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("from helpers import success\n", "from .helpers import success\n"),
        ("from parts.left import x as y\n", "from .parts.left import x as y\n"),
        ("import helpers; helpers.go()\n", "from . import helpers; helpers.go()\n"),
        ("import helpers as h, parts\n", "from . import helpers as h, parts\n"),
        ("def f():\n    import parts\n", "def f():\n    from . import parts\n"),
    ],
)
def test_a_neighbour_is_imported_with_a_dot(old: str, new: str, package: Path) -> None:
    assert upgraded(old, str(package / "steps.py")).text == new


@pytest.mark.parametrize(
    "text",
    [
        "from taken import x\n",
        "import json\n",
        "import helpers, os\n",
        "import parts.left\n",
        "from .helpers import x\n",
        "from elsewhere import x\n",
    ],
)
def test_what_stands_for_something_else_is_left(text: str, package: Path) -> None:
    assert upgraded(text, str(package / "steps.py")).text == text


def test_beside_the_configuration_nothing_needs_a_dot(package: Path) -> None:
    text = "from taken import x\n"

    assert upgraded(text, str(package.parent / "master.cfg")).text == text
