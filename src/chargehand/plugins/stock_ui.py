"""Buildbot's user interface, if it is installed beside us."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path


def find_stock_ui() -> Path | None:
    """Return the directory with the files of ``buildbot-www``; None if it is not installed.

    Nothing of the package is executed.
    """
    found = find_spec("buildbot_www")
    for place in (found and found.submodule_search_locations) or ():
        if (directory := Path(place) / "static").joinpath("index.html").is_file():
            return directory
    return None
