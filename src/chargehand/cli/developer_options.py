"""A developer's own defaults for `try`: the file `.buildbot/options`."""

from __future__ import annotations

import os
from pathlib import Path

from chargehand.app.failure import CommandFailed

_DIRECTORY = ".buildbot"


def developer_options(directory: Path, home: Path) -> dict[str, object]:
    """Return what the nearest file `.buildbot/options` sets, searched from *directory* upwards to
    *home* or the root, then in *home*; nothing, where there is none.

    It is Python, and so is only read if it belongs to the user.
    """
    for place in _places(directory.resolve(), home.resolve()):
        file = place / _DIRECTORY / "options"
        if file.is_file():
            return _executed(file)
    return {}


def _places(directory: Path, home: Path) -> list[Path]:
    places = []
    for place in (directory, *directory.parents):
        places.append(place)
        if place == home:
            return places
    return [*places, home]


def _executed(file: Path) -> dict[str, object]:
    if hasattr(os, "getuid") and file.stat().st_uid != os.getuid():
        raise CommandFailed(f"{file} belongs to another user, and is not read: it is a program")
    values: dict[str, object] = {}
    try:
        exec(compile(file.read_bytes(), str(file), "exec"), values)
    except Exception as error:
        raise CommandFailed(f"{file}: {type(error).__name__}: {error}") from error
    return {name: value for name, value in values.items() if not name.startswith("_")}
