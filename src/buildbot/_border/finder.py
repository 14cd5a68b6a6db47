"""Finding modules of Buildbot's that have no file.

Such a module is made when it is imported: of the names that ``buildbot.plugins.accepted`` lists for
it, which are not supported yet, or of those of earlier versions that ``buildbot.plugins.old_names``
lists. A file under the same name takes its place.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

_TABLE = "buildbot.plugins.accepted"
_OLD = "buildbot.plugins.old_names"
_OLD_PACKAGES = ("buildbot.buildslave", "buildbot.status")


class AcceptedModules(MetaPathFinder, Loader):
    """Makes modules of accepted names; asked after all other finders."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return how to make the module, None if no accepted name is in it."""
        if not fullname.startswith("buildbot.") or fullname.startswith("buildbot.plugins"):
            return None
        modules = {**importlib.import_module(_TABLE).MODULES, **_old()}
        is_package = any(name.startswith(f"{fullname}.") for name in modules)
        if fullname in modules or is_package:
            return ModuleSpec(fullname, self, is_package=is_package)
        return None

    def exec_module(self, module: ModuleType) -> None:
        """Give the module its names, each made when it is first asked for."""
        if module.__name__ in (old := _old()) or module.__name__.startswith(_OLD_PACKAGES):
            module.__doc__ = "Names of earlier versions of Buildbot."
            module.__dict__["__all__"] = list(old.get(module.__name__, ()))
            module.__dict__["__getattr__"] = old_names_of(module.__name__)
            return
        module.__doc__ = "Names that are accepted, and not supported yet."

        def make(name: str) -> Any:
            made = importlib.import_module("buildbot.plugins.not_yet").make(module.__name__, name)
            setattr(module, name, made)
            return made

        module.__dict__["__getattr__"] = make


def old_names_of(module: str) -> Callable[[str], Any]:
    """Return a module's ``__getattr__``: it finds the names that the module had in old versions of
    Buildbot, and warns each time a configuration names one."""

    def make(name: str) -> Any:
        old = None if name.startswith("__") else _old().get(module, {}).get(name)
        if old is None:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        return importlib.import_module("buildbot.plugins.old_made").make(module, name, old)

    return make


def _old() -> dict[str, Any]:
    names: dict[str, Any] = importlib.import_module(_OLD).OLD_NAMES
    return names


def install() -> None:
    """Put the finder last among Python's, once."""
    if not any(isinstance(finder, AcceptedModules) for finder in sys.meta_path):
        sys.meta_path.append(AcceptedModules())
