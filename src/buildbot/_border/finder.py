"""Finding modules of Buildbot's whose names are all accepted but not supported yet.

Such a module has no file. It is made when it is imported, of the names that
``buildbot.plugins.accepted`` lists for it; a file under the same name takes its place.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

_REMOVED = {
    "buildbot.buildslave": "it was removed from Buildbot; use buildbot.worker",
    "buildbot.status": "it was removed from Buildbot; use buildbot.process.results for results, "
    "reporters in c['services'] for notifications, and c['www'] for the web",
}
_TABLE = "buildbot.plugins.accepted"


class AcceptedModules(MetaPathFinder, Loader):
    """Makes modules of accepted names; asked after all other finders."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return how to make the module, None if no accepted name is in it."""
        if not fullname.startswith("buildbot.") or fullname.startswith("buildbot.plugins"):
            return None
        if fullname in _REMOVED:
            raise ModuleNotFoundError(f"no module {fullname}: {_REMOVED[fullname]}", name=fullname)
        modules: dict[str, Any] = importlib.import_module(_TABLE).MODULES
        is_package = any(name.startswith(f"{fullname}.") for name in modules)
        if fullname in modules or is_package:
            return ModuleSpec(fullname, self, is_package=is_package)
        return None

    def exec_module(self, module: ModuleType) -> None:
        """Give the module its names, each made when it is first asked for."""
        module.__doc__ = "Names that are accepted, and not supported yet."

        def make(name: str) -> Any:
            made = importlib.import_module("buildbot.plugins.not_yet").make(module.__name__, name)
            setattr(module, name, made)
            return made

        module.__dict__["__getattr__"] = make


def install() -> None:
    """Put the finder last among Python's, once."""
    if not any(isinstance(finder, AcceptedModules) for finder in sys.meta_path):
        sys.meta_path.append(AcceptedModules())
