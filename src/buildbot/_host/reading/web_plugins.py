"""``c['www']['plugins']`` and ``c['www']['stock_ui']``: what others add to the site."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from buildbot._host.reading.section import Section

_DISTRIBUTION = "pip install buildbot-{}"


def read_stock_ui(part: Section) -> bool | None:
    """Return whether Buildbot's own interface is served; None: if it is installed."""
    wanted = part.get("stock_ui")
    if wanted is None:
        return None
    if not isinstance(wanted, bool):
        part.wrong("stock_ui", "True or False")
        return None
    if wanted and find_spec("buildbot_www") is None:
        part.error(
            f"{part.shown('stock_ui')} is set, but Buildbot's interface is not installed: "
            "pip install --no-deps buildbot-www",
            "stock_ui",
        )
    return bool(wanted)


def read_plugins(part: Section) -> dict[str, Any]:
    """Return the plug-ins that are named, each with its settings."""
    given = part.part("plugins")
    return {} if given is None else {str(name): value for name, value in given.values.items()}


def find_files(part: Section, plugins: dict[str, Any]) -> dict[str, str]:
    """Return the directories with the files of these plug-ins; warn of those that have none."""
    found: dict[str, str] = {}
    for name in plugins:
        directory = _static(name)
        if directory is not None:
            found[name] = str(directory)
        else:
            part.warn(
                f'{part.shown("plugins")} names "{name}", which is not installed here, or has no '
                f"files for browsers: {_DISTRIBUTION.format(name.replace('_', '-'))}",
                "plugins",
                name,
            )
    return found


def _static(name: str) -> Path | None:
    """Return where a plug-in has its files. Nothing of it is executed."""
    module = f"buildbot_{name}"
    if not name.isidentifier() or _directory(module) is None:
        module = _module_of_entry_point(name) or module
    directory = _directory(module)
    return None if directory is None or not directory.is_dir() else directory


def _directory(module: str) -> Path | None:
    try:
        spec = find_spec(module)
    except (ImportError, ValueError):
        return None
    places = (spec and spec.submodule_search_locations) or ()
    return next((Path(place) / "static" for place in places), None)


def _module_of_entry_point(name: str) -> str | None:
    """Return the package that calls itself so. Those of most are named after them: looking through
    all that is installed takes a while."""
    from importlib.metadata import entry_points

    points = entry_points(group="buildbot.www", name=name)
    return next((point.module for point in points), None)
