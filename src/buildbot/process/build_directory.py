"""Where the steps of a build run: the ``workdir`` of its factory."""

from __future__ import annotations

import inspect
from typing import Any

from buildbot._border.bridge import answered
from buildbot._border.rendering import Renderable, is_constant, render_value
from chargehand.kit.asking import place_of
from chargehand.kit.guard import contained


def directory_of(build: Any) -> Any:
    """Return the working directory of a build's steps: a path, or a renderable of one.

    A function is called with the build's source stamps; what it promises (a coroutine, a Deferred)
    is awaited when the step's arguments are rendered.
    """
    workdir = build.workdir
    if not callable(workdir) or not is_constant(workdir):
        return workdir
    if inspect.iscoroutinefunction(workdir):
        return _Awaited(workdir, build.sources)
    found = contained(workdir, build.sources)
    if inspect.isawaitable(found):  # a Deferred, too
        return _Awaited(workdir, build.sources, found)
    return _checked(workdir, found)


class _Awaited(Renderable):
    """A directory that a function of users promised, or will promise when it is called."""

    def __init__(self, workdir: Any, sources: Any, promised: Any = None) -> None:
        self._workdir, self._sources, self._promised = workdir, sources, promised

    async def rendering(self, properties: Any) -> Any:
        """Return the directory."""
        promised, self._promised = self._promised, None
        call = self._workdir if promised is None else lambda _: promised
        found = await answered("workdir", call, self._sources)
        return await render_value(_checked(self._workdir, found), properties)


def _checked(workdir: Any, found: Any) -> Any:
    if isinstance(found, str) or not is_constant(found):
        return found
    raise TypeError(
        f"the workdir function {_called(workdir)} returned {found!r}; it must return the path of a "
        "directory"
    )


def _called(function: Any) -> str:
    name = getattr(function, "__name__", repr(function))
    place = place_of(function)
    return f"{name} ({place})" if place else str(name)
