"""What Python 2 imported from beside a module of a package gets a dot."""

from __future__ import annotations

from pathlib import Path

import pytest

from buildbot._host.upgrading.upgrade import upgraded


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package in a directory that also has a module; both know ``taken``."""
    place = tmp_path / "farm"
    (place / "farm_parts").mkdir(parents=True)
    for name in ("__init__", "farm_helpers", "taken", "json", "farm_parts/__init__"):
        (place / f"{name}.py").touch()
    (tmp_path / "taken.py").touch()
    return place


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("from farm_helpers import success\n", "from .farm_helpers import success\n"),
        ("from farm_parts.left import x as y\n", "from .farm_parts.left import x as y\n"),
        (
            "import farm_helpers; farm_helpers.go()\n",
            "from . import farm_helpers; farm_helpers.go()\n",
        ),
        ("import farm_helpers as h, farm_parts\n", "from . import farm_helpers as h, farm_parts\n"),
        ("def f():\n    import farm_parts\n", "def f():\n    from . import farm_parts\n"),
    ],
)
def test_a_neighbour_is_imported_with_a_dot(old: str, new: str, package: Path) -> None:
    assert upgraded(old, str(package / "steps.py")).text == new


@pytest.mark.parametrize(
    "text",
    [
        "from taken import x\n",
        "import json\n",
        "import farm_helpers, os\n",
        "import farm_parts.left\n",
        "from .farm_helpers import x\n",
        "from elsewhere import x\n",
    ],
)
def test_what_stands_for_something_else_is_left(text: str, package: Path) -> None:
    assert upgraded(text, str(package / "steps.py")).text == text


def test_the_directory_of_a_configuration_is_no_package(package: Path) -> None:
    (package / "master.cfg").touch()
    text = "from farm_helpers import success\nimport farm_parts\n"

    assert upgraded(text, str(package / "master.cfg")).text == text
    assert upgraded(text, str(package / "steps.py")).text == text


def test_beside_the_configuration_nothing_needs_a_dot(package: Path) -> None:
    text = "from taken import x\n"

    assert upgraded(text, str(package.parent / "master.cfg")).text == text
