"""Finding modules of Buildbot's that have no file.

Such a module is made when it is imported: of the names that ``buildbot.plugins.accepted`` lists for
it, which are not supported yet, of those of earlier versions that ``buildbot.plugins.old_names``
lists, or of those that Buildbot has for itself (``buildbot.plugins.inner_names``). A file under the
same name takes its place.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from opcode import opname
from types import FrameType, ModuleType
from typing import Any

from buildbot._border.errors import collecting, current_directory

_TABLE = "buildbot.plugins.accepted"
_OLD = "buildbot.plugins.old_names"
_INNER = "buildbot.plugins.inner_names"
_PLUGINS = "buildbot.plugins"

_STAR = 2
"""The argument of CALL_INTRINSIC_1, which is the instruction since Python 3.12."""


class AcceptedModules(MetaPathFinder, Loader):
    """Makes modules of accepted names; asked after all other finders."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return how to make the module, None if no accepted name is in it."""
        if not fullname.startswith("buildbot."):
            return None
        if fullname.startswith(_PLUGINS) and fullname not in _old():
            return None
        inner = importlib.import_module(_INNER)
        modules = {**importlib.import_module(_TABLE).MODULES, **_old(), **inner.INNER_NAMES}
        is_package = any(name.startswith(f"{fullname}.") for name in modules)
        if fullname in modules or is_package or inner.is_removed(fullname):
            return ModuleSpec(fullname, self, is_package=is_package or inner.is_removed(fullname))
        return None

    def _module_within(self, package: str, name: str) -> ModuleType | None:
        """Return a module of a package, which Buildbot's own imports used to bring along."""
        full = f"{package}.{name}"
        is_name = name in _old().get(package, {}) or not name.islower() or name.startswith("_")
        if is_name or self.find_spec(full, None) is None:
            return None
        return importlib.import_module(full)

    def exec_module(self, module: ModuleType) -> None:
        """Give the module its names, each made when it is first asked for."""
        name = module.__name__
        accepted = importlib.import_module(_TABLE).MODULES.get(name, {})
        module.__doc__ = (
            "Names that are accepted, and not supported yet."
            if accepted
            else "Names of earlier versions of Buildbot."
        )
        if name in _old():
            module.__dict__["__all__"] = list(_old()[name])
        old = _old_names(name)

        def make(wanted: str) -> Any:
            if wanted not in accepted:
                return self._module_within(name, wanted) or old(wanted)
            made = importlib.import_module("buildbot.plugins.not_yet").make(name, wanted)
            setattr(module, wanted, made)
            return made

        module.__dict__["__getattr__"] = make


def old_names_of(module: str) -> Callable[[str], Any]:
    """Return a module's ``__getattr__``: it finds the names that the module had in old versions of
    Buildbot, or has for itself, and warns each time a configuration names one.

    ``from MODULE import *`` brings the old ones along, without a warning: most are not used.
    """
    found, own = _old_names(module), sys.modules[module].__dict__
    names = own.get("__all__") or [name for name in own if not name.startswith("_")]
    own["__all__"] = [*names, *_old().get(module, {})]

    def make(name: str) -> Any:
        asking = sys._getframe(1)
        if asking.f_code.co_name == "__getattr__" and asking.f_back is not None:
            asking = asking.f_back
        if not _is_star_import(asking):
            return found(name)
        with collecting(current_directory()):
            return found(name)

    return make


def _is_star_import(frame: FrameType) -> bool:
    """Return whether a frame's instruction is ``from MODULE import *``."""
    if frame.f_code.co_name == "_handle_fromlist":  # It is a package: importlib looks first.
        return bool(frame.f_locals.get("recursive"))
    code, at = frame.f_code.co_code, frame.f_lasti
    if at < 0:
        return False
    name = opname[code[at]]
    return name == "IMPORT_STAR" or (name == "CALL_INTRINSIC_1" and code[at + 1] == _STAR)


def _old_names(module: str) -> Callable[[str], Any]:
    def make(name: str) -> Any:
        old = None if name.startswith("__") else _old().get(module, {}).get(name)
        if old is not None:
            return importlib.import_module("buildbot.plugins.old_made").make(module, name, old)
        if not name.startswith("_"):
            made = importlib.import_module("buildbot.plugins.old_made").inner(module, name)
            if made is not None:
                return made
        raise AttributeError(f"module {module!r} has no attribute {name!r}")

    return make


def _old() -> dict[str, Any]:
    names: dict[str, Any] = importlib.import_module(_OLD).OLD_NAMES
    return names


def install() -> None:
    """Put the finder last among Python's, once."""
    if not any(isinstance(finder, AcceptedModules) for finder in sys.meta_path):
        sys.meta_path.append(AcceptedModules())
