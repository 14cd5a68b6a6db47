"""ARCHITECTURE.md and CONTRIBUTING.md speak of what is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_SRC = _ROOT / "src"
_LINE = re.compile(r"^((?:│  |   )*)[├└]─ (.*?)(?:   .*)?$")
_NAMED_LATER = re.compile(r"\b(?:NAME|N)\b")
_PLACES = (_ROOT, _SRC, _SRC / "chargehand")


def _mapped() -> set[str]:
    """Return the packages that the map shows, with slashes."""
    text = (_ROOT / "ARCHITECTURE.md").read_text()
    found: set[str] = set()
    path: list[str] = []
    for line in text.partition("```\nsrc/\n")[2].partition("```")[0].splitlines():
        if match := _LINE.match(line):
            names = match[2].replace("/", " ").split()
            depth = len(match[1]) // 3
            path[depth:] = [names[0]]
            found.update("/".join((*path[:depth], name)) for name in names)
    return found


def _packages() -> set[str]:
    """Return the packages down to the rooms' own rooms, those of the extension API to its rooms."""
    found = {
        str(file.parent.relative_to(_SRC)): len(file.relative_to(_SRC).parts) - 1
        for file in _SRC.rglob("__init__.py")
    }
    return {
        package
        for package, depth in found.items()
        if depth <= (2 if package.startswith("buildbot") and "/_host" not in package else 3)
    }


def test_the_map_shows_the_packages_that_there_are() -> None:
    assert _mapped() == _packages()


@pytest.mark.parametrize("page", ["ARCHITECTURE.md", "CONTRIBUTING.md"])
def test_modules_that_are_named_are_there(page: str) -> None:
    named = re.findall(r"`([\w/]+/\w+\.py)`", (_ROOT / page).read_text())

    missing = [
        name
        for name in named
        if not re.search(r"[A-Z]{3}", name)
        and not any((place / name).is_file() for place in _PLACES)
    ]

    assert named
    assert missing == []


def _tasks() -> list[tuple[str, str]]:
    """Return the names in the table of long-lived tasks, each with the modules beside it."""
    text = (_ROOT / "ARCHITECTURE.md").read_text()
    table = text.partition("| what | where | its life |")[2].partition("\n\n")[0]
    rows = [row.split("|")[1:3] for row in table.splitlines() if row.startswith("| *")]
    return [(name, where) for what, where in rows for name in re.findall(r"\*([^*]+)\*", what)]


def test_long_lived_tasks_are_called_so() -> None:
    named = _tasks()

    assert len(named) > 20
    for name, where in named:
        files = [
            place / module
            for module in re.findall(r"`([\w/]+\.py)`", where)
            for place in _PLACES
            if (place / module).is_file()
        ]
        code = "".join(file.read_text() for file in files)
        for words in _NAMED_LATER.split(name):
            assert re.search(rf'"[^"\n]*{re.escape(words)}', code), (name, where)
