"""What the sources of the extension API say of classes and their constructors' arguments.

Sources are read, not imported: stubs are made while a wheel is built, where nothing is installed.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from reading import Argument, arguments

_TAKING = ("__init__", "checkConfig", "reconfigService")
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, eq=False)
class Module:
    """A module's name and syntax tree."""

    name: str
    tree: ast.Module

    @cached_property
    def imported(self) -> dict[str, tuple[str, str]]:
        """The names that the module imports from others, as (module, name)."""
        return {
            alias.asname or alias.name: (node.module or "", alias.name)
            for node in ast.walk(self.tree)
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }

    @cached_property
    def classes(self) -> dict[str, ast.ClassDef]:
        """The module's classes by name."""
        return {node.name: node for node in self.tree.body if isinstance(node, ast.ClassDef)}


@dataclass(eq=False)
class Class:
    """A class with its base classes, as far as they are ours."""

    module: str
    node: ast.ClassDef
    bases: list[Class] = field(default_factory=list)

    @cached_property
    def mro(self) -> list[Class]:
        """The class and its bases in the order in which Python looks for methods."""
        return [kind.__dict__["of"] for kind in self._mirror.__mro__ if "of" in kind.__dict__]

    @cached_property
    def _mirror(self) -> type:
        return type(self.node.name, tuple(base._mirror for base in self.bases), {"of": self})

    @cached_property
    def described(self) -> dict[str, Argument]:
        """The arguments that the class's own docstring describes."""
        return arguments(ast.get_docstring(self.node, clean=False))

    @cached_property
    def methods(self) -> dict[str, Function]:
        """The class's own methods by name."""
        return {
            node.name: node
            for node in self.node.body
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }

    @cached_property
    def attributes(self) -> set[str]:
        """The names of the class's own attributes that have a value."""
        found = set()
        for node in self.node.body:
            if isinstance(node, ast.Assign):
                found.update(one.id for one in node.targets if isinstance(one, ast.Name))
            elif isinstance(node, ast.AnnAssign) and node.value is not None:
                found.add(ast.unparse(node.target))
        return found

    def taking(self) -> list[Function]:
        """Return the class's own methods that take the arguments of its constructor."""
        return [self.methods[name] for name in _TAKING if name in self.methods]

    def all_described(self) -> dict[str, Argument]:
        """Return all arguments that the constructor takes and a docstring describes."""
        found: dict[str, Argument] = {}
        for owner in self.mro:
            for name, argument in owner.described.items():
                if name not in found and self._takes(name, owner):
                    found[name] = argument
        return found

    def _takes(self, name: str, owner: Class) -> bool:
        for kind in self.mro:
            if kind is owner:
                return True
            own = kind.taking()
            if not own:
                continue
            names = {one.arg for method in own for one in parameters(method)}
            if name in names or name in kind._popped:
                return True
            if name in kind._decided:
                return False
            if not any(method.args.vararg or method.args.kwarg for method in own):
                return False
        return True

    @cached_property
    def _popped(self) -> set[str]:
        """The arguments that the constructor takes out of its keyword arguments."""
        return {
            call.args[0].value
            for call in self._calls("pop")
            if call.args and isinstance(call.args[0], ast.Constant)
        }

    @cached_property
    def _decided(self) -> set[str]:
        """The arguments of base classes that the constructor passes itself, or prohibits."""
        found = {
            keyword.arg
            for call in self._calls("__init__")
            for keyword in call.keywords
            if keyword.arg
        }
        for call in self._calls("setupShellMixin"):
            for keyword in call.keywords:
                if keyword.arg == "prohibitArgs":
                    found.update(ast.literal_eval(keyword.value))
        return found

    def _calls(self, method: str) -> Iterator[ast.Call]:
        if "__init__" in self.methods:
            calls = (n for n in ast.walk(self.methods["__init__"]) if isinstance(n, ast.Call))
            for call in calls:
                if isinstance(call.func, ast.Attribute) and call.func.attr == method:
                    yield call


def parameters(function: Function) -> list[ast.arg]:
    """Return a method's parameters, without ``self`` and those with stars."""
    return [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs][1:]


class Sources:
    """All modules of the extension API, and their classes."""

    def __init__(self, root: Path) -> None:
        self.modules = {
            _module_name(path, root): Module(
                _module_name(path, root), ast.parse(path.read_text(encoding="utf-8"))
            )
            for path in sorted((root / "buildbot").rglob("*.py"))
        }
        self._classes: dict[tuple[str, str], Class | None] = {}

    def class_named(self, module: str, name: str) -> Class | None:
        """Return a class by a module and its name there, followed to where it is defined."""
        key = (module, name)
        if key not in self._classes:
            self._classes[key] = self._found(module, name)
        return self._classes[key]

    def _found(self, module: str, name: str) -> Class | None:
        source = self.modules.get(module)
        if source is None:
            return None
        if name in source.classes:
            node = source.classes[name]
            found = Class(module, node)
            found.bases = [base for one in node.bases if (base := self._base(source, one))]
            return found
        if name in source.imported:
            return self.class_named(*source.imported[name])
        return None

    def _base(self, source: Module, node: ast.expr) -> Class | None:
        return self.class_named(source.name, node.id) if isinstance(node, ast.Name) else None


def _module_name(path: Path, root: Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
