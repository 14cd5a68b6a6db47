"""Imports of a module beside the file, which Python 2 found within a package without a dot."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

import libcst as cst


def with_dots(source: cst.Module, file: Path) -> cst.Module:
    """Return a module of a package with dots where it imports its neighbours.

    A name that also stands for something else (a module beside the package, of the library, or
    installed) is left: Python 3 imports that.
    """
    package = file.parent
    # The directory of a configuration is on sys.path: its modules belong to no package.
    if not (package / "__init__.py").exists() or any(package.glob("*.cfg")):
        return source
    return source.visit(_WithDots(package))


class _WithDots(cst.CSTTransformer):
    def __init__(self, package: Path) -> None:
        self._package = package
        root = package
        while (root / "__init__.py").exists() and root != root.parent:
            root = root.parent
        self._root = root

    def leave_ImportFrom(  # the names of libcst
        self, original_node: cst.ImportFrom, updated_node: cst.ImportFrom
    ) -> cst.ImportFrom:
        """Write ``from .neighbour import name``."""
        module = updated_node.module
        if updated_node.relative or module is None or not self._is_neighbour(_first(module)):
            return updated_node
        return updated_node.with_changes(relative=[cst.Dot()])

    def leave_Import(
        self, original_node: cst.Import, updated_node: cst.Import
    ) -> cst.Import | cst.ImportFrom:
        """Write ``from . import neighbour``, where nothing else is imported with it."""
        names = [one.name for one in updated_node.names]
        if not all(isinstance(name, cst.Name) and self._is_neighbour(name.value) for name in names):
            return updated_node
        return cst.ImportFrom(
            module=None,
            names=updated_node.names,
            relative=[cst.Dot()],
            semicolon=updated_node.semicolon,
            whitespace_after_from=cst.SimpleWhitespace(" "),
            whitespace_before_import=cst.SimpleWhitespace(" "),
        )

    def _is_neighbour(self, name: str) -> bool:
        return (
            _is_in(self._package, name)
            and not _is_in(self._root, name)
            and name not in sys.stdlib_module_names
            and not _is_elsewhere(name)
        )


def _is_elsewhere(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ValueError:  # of a module without a specification, such as __main__
        return True


def _first(module: cst.BaseExpression) -> str:
    while isinstance(module, cst.Attribute):
        module = module.value
    return module.value if isinstance(module, cst.Name) else ""


def _is_in(directory: Path, name: str) -> bool:
    return (directory / f"{name}.py").exists() or (directory / name / "__init__.py").exists()
