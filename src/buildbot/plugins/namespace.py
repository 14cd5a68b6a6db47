"""The namespaces of ``buildbot.plugins``: names that are loaded when they are first used."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import Any

_REMOVED = {
    "BuildSlave": "use worker.Worker",
    "EC2LatentBuildSlave": "use worker.EC2LatentWorker",
    "AbstractLatentBuildSlave": "use worker.AbstractLatentWorker",
    "Scheduler": "use schedulers.SingleBranchScheduler",
    "ShellCommandNewStyle": "use steps.ShellCommand",
    "BasicAuth": "use util.UserPasswordAuth",
}


class UnknownName(AttributeError):
    """A namespace has no such name; the message says which is close."""


class Namespace(ModuleType):
    """Our names first, then those that installed plug-ins offer as entry points.

    ``names`` has "module:attribute" by name; a dotted name makes a namespace within this one.
    """

    def __init__(self, path: str, group: str, names: Mapping[str, str]) -> None:
        super().__init__(path, f"What plug-ins and Chargehand itself offer as {path}.")
        self._group = group
        self._names = dict(names)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        found = self._load(name)
        setattr(self, name, found)
        return found

    def __dir__(self) -> list[str]:
        return sorted({name.partition(".")[0] for name in self.names})

    def __contains__(self, name: object) -> bool:
        return name in self.names

    @property
    def names(self) -> list[str]:
        """All names there are."""
        return sorted({*self._names, *(point.name for point in self._points())})

    @property
    def offered(self) -> list[str]:
        """The names that are ours."""
        return sorted(self._names)

    def get(self, name: str, default: Any = None) -> Any:
        """Return what the (dotted) name stands for, or *default*."""
        found: Any = self
        try:
            for part in name.split("."):
                found = getattr(found, part)
        except AttributeError:
            return default
        return found

    def _load(self, name: str) -> Any:
        target = self._names.get(name)
        if target is not None:
            module, _, attribute = target.partition(":")
            return getattr(importlib.import_module(module), attribute)
        points = {point.name: point for point in self._points()}
        if name in points:
            return points[name].load()
        inner = {
            key.partition(".")[2]: value
            for key, value in self._names.items()
            if key.startswith(f"{name}.")
        }
        if inner or any(key.startswith(f"{name}.") for key in points):
            return Namespace(f"{self.__name__}.{name}", f"{self._group}.{name}", inner)
        raise UnknownName(self._unknown(name))

    def _points(self) -> Iterator[EntryPoint]:
        group, _, prefix = self._group.removeprefix("buildbot.").partition(".")
        for point in entry_points(group=f"buildbot.{group}"):
            # Buildbot itself may be installed beside us; its own names are not a plug-in's.
            if point.dist is not None and point.dist.name == "buildbot":
                continue
            if not prefix:
                yield point
            elif point.name.startswith(f"{prefix}."):
                yield EntryPoint(point.name.removeprefix(f"{prefix}."), point.value, point.group)

    def _unknown(self, name: str) -> str:
        short = self.__name__.removeprefix("buildbot.plugins.")
        if name in _REMOVED:
            return f"{short}.{name} was removed from Buildbot; {_REMOVED[name]}"
        close = difflib.get_close_matches(name, self.names, n=3)
        quoted = " or ".join(f'"{one}"' for one in close)
        hint = f"; did you mean {quoted}?" if close else ""
        return f'"{short}.{name}" does not exist, nor does an installed plug-in provide it{hint}'
