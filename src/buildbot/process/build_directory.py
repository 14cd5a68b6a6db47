"""Where the steps of a build run: the ``workdir`` of its factory."""

from __future__ import annotations

import inspect
from typing import Any

from buildbot._border.rendering import is_constant
from chargehand.kit.asking import place_of
from chargehand.kit.guard import contained


def directory_of(build: Any) -> Any:
    """Return the working directory of a build's steps: a path, or a renderable of one.

    A function is called with the build's source stamps, and must return the path at once.
    """
    workdir = build.workdir
    if not callable(workdir) or not is_constant(workdir):
        return workdir
    found = contained(workdir, build.sources)
    if isinstance(found, str) or not is_constant(found):
        return found
    if inspect.iscoroutine(found):
        found.close()
    raise TypeError(
        f"the workdir function {_called(workdir)} returned {found!r}; it must return the path of a "
        "directory at once, not a Deferred or a coroutine"
    )


def _called(function: Any) -> str:
    name = getattr(function, "__name__", repr(function))
    place = place_of(function)
    return f"{name} ({place})" if place else str(name)
