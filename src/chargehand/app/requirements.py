"""Whether the installed packages are those that Chargehand needs, and who brought others."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from chargehand.app.failure import CommandFailed

if TYPE_CHECKING:
    from importlib.metadata import Distribution

_INFO = ".dist-info"
_REQUIREMENT = re.compile(r"([\w.-]+)(?:\[[^]]*\])?\s*\(?([^;)]*)\)?\s*(;.*)?")
_LOWEST = re.compile(r">=\s*([\d.]+)")
_HOLDING = re.compile(r"(<|<=|==|~=)\s*[\d.]+")


def check_requirements() -> None:
    """Raise CommandFailed where a package is older than Chargehand needs, or is missing."""
    if are_met_at_a_glance(sys.path):
        return
    from importlib.metadata import PackageNotFoundError, distribution, distributions

    try:
        ours = distribution("chargehand").requires or []
    except PackageNotFoundError:
        return  # it runs from its sources
    problems = list(unmet(ours, _version, distributions))
    if problems:
        raise CommandFailed("\n".join(problems))


def are_met_at_a_glance(path: Iterable[str]) -> bool:
    """Return whether the names of directories say that all packages are there, and new enough.

    Python's own way of asking reads the metadata of each, which takes half as long as all else that
    happens before a master's process begins.
    """
    found: dict[str, Path] = {}
    for directory in path:
        for entry in Path(directory).glob(f"*{_INFO}"):
            found.setdefault(_normal(entry.name.partition("-")[0]), entry)
    ours = found.get("chargehand")
    if ours is None or not (metadata := ours / "METADATA").is_file():
        return False
    head = metadata.read_text().partition("\n\n")[0]
    needed = re.findall(r"^Requires-Dist: (.*)", head, re.MULTILINE)
    return not list(unmet(needed, lambda name: _version_in(found, name), tuple))


def _version_in(found: Mapping[str, Path], name: str) -> str | None:
    directory = found.get(_normal(name))
    return None if directory is None else directory.name.removesuffix(_INFO).partition("-")[2]


def unmet(
    requirements: Iterable[str],
    version_of: Callable[[str], str | None],
    installed: Callable[[], Iterable[Distribution]],
) -> Iterator[str]:
    """Yield what to say of each requirement that is not met."""
    for text in requirements:
        name, lowest, marker = _read(text)
        found = version_of(name)
        if marker and (found is None or "extra" in marker):
            continue
        if found is None or _numbers(found) < _numbers(lowest):
            wanted = f"{name}>={lowest}" if lowest else name
            yield _sentence(name, found, wanted, _holders(name, installed()))


def _sentence(name: str, found: str | None, wanted: str, holders: Sequence[str]) -> str:
    state = f"{name} {found} is installed" if found else f"{name} is not installed"
    why = f" {'; '.join(holders)}." if holders else ""
    instead = (
        "Install Chargehand into an environment without it, or remove it and run"
        if holders
        else "Run"
    )
    command = f"{shlex.quote(sys.executable)} -m pip install {shlex.quote(wanted)}"
    return f"{state}, and Chargehand needs {wanted}.{why} {instead}: {command}"


def _holders(name: str, installed: Iterable[Distribution]) -> list[str]:
    """Return which packages keep another one old, and which packages brought them."""
    found = list(installed)
    holding = {
        one.name: f"{one.name} {one.version} requires {text.partition(';')[0].strip()}"
        for one in found
        for text in one.requires or ()
        if _same(_read(text)[0], name) and _HOLDING.search(text) and "extra" not in text
    }
    return [
        sentence + _brought(holder, found)
        for holder, sentence in sorted(holding.items())
        if not _same(holder, "chargehand")
    ]


def _brought(name: str, installed: Sequence[Distribution]) -> str:
    who = sorted(
        one.name
        for one in installed
        if any(_same(_read(text)[0], name) and "extra" not in text for text in one.requires or ())
    )
    return f" (required by {', '.join(who)})" if who else ""


def _read(text: str) -> tuple[str, str, str]:
    """Return the name, the lowest version, and the marker of a requirement."""
    found = _REQUIREMENT.match(text)
    if found is None:
        return text, "", ""
    lowest = _LOWEST.search(found[2])
    return found[1], lowest[1] if lowest else "", found[3] or ""


def _same(one: str, other: str) -> bool:
    return _normal(one) == _normal(other)


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version.partition("+")[0])[:4]))


def _version(name: str) -> str | None:
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        return distribution(name).version
    except PackageNotFoundError:
        return None
