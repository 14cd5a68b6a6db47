"""One module's stub, made of its syntax tree."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from attributes import attribute_type
from classes import Class, Module, Sources
from constructors import RENDERABLE, constructor

_KEPT_WORDS = """
property setter getter deleter staticmethod classmethod cached_property abstractmethod
overload dataclass contextmanager asynccontextmanager
"""
_KEPT = frozenset(_KEPT_WORDS.split())
"""Decorators that stay."""
_SPECIAL = ("__enter__", "__exit__", "__call__", "__getitem__", "__contains__", "__iter__")
_OPERATORS = ("__mod__", "__add__", "__or__", "__len__", "__eq__", "__lt__", "__le__", "__gt__")
_USED_ANYWAY = ("_dovccmd",)
"""Methods of Buildbot's that many configurations call although their names are private."""
_MAKERS = ("TypeVar", "ParamSpec", "NewType")
HEAD = f"""\
# Generated from the sources of Chargehand.
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from buildbot._typing import Renderable as {RENDERABLE}
"""
_INDENT = "    "
_HOOKS = frozenset(
    {
        *("createSummary", "errLineReceived", "headerLineReceived", "outLineReceived"),
        *("getBuildContainerResources", "get_affinity", "get_build_container_resources"),
        *("get_build_container_volume_mounts", "get_node_selector", "get_volumes"),
        "getRenderingFor",
    }
)
"""Methods that users override, and that are called with one value in order."""


def stub(module: Module, sources: Sources) -> str:
    """Return a module's stub."""
    return HEAD + "\n".join(_Writer(module, sources).lines(module.tree.body)) + "\n"


class _Writer:
    def __init__(self, module: Module, sources: Sources) -> None:
        self._module = module
        self._sources = sources

    def lines(self, body: list[ast.stmt]) -> Iterator[str]:
        """Yield the stubs of statements of a module."""
        for node in body:
            match node:
                case ast.ImportFrom():
                    yield from _imported(node)
                case ast.Import():
                    yield ast.unparse(node)
                case ast.If() | ast.Try():
                    yield from self.lines(node.body)
                case ast.ClassDef():
                    yield from self._class(
                        node, self._sources.class_named(self._module.name, node.name)
                    )
                case ast.FunctionDef() | ast.AsyncFunctionDef():
                    if not node.name.startswith("_") or node.name == "__getattr__":
                        yield from _function(node) if node.name != "__getattr__" else ()
                case ast.AnnAssign():
                    yield _annotated(node)
                case ast.Assign():
                    yield from _assigned(node)

    def _class(self, node: ast.ClassDef, kind: Class | None) -> Iterator[str]:
        if _is_interface(node):
            # What implements an interface does not derive from it: checkers do not see that.
            yield f"{node.name} = Any"
            return
        bases = [ast.unparse(one) for one in [*node.bases, *node.keywords]]
        yield from _decorators(node)
        yield f"class {node.name}" + (f"({', '.join(bases)})" if bases else "") + ":"
        yield from _documented(node)
        names: set[str] = set()
        assignable = _assignable_properties(node)
        is_enum = any("Enum" in base for base in bases)
        for one in node.body:
            if isinstance(one, ast.FunctionDef) and one.name in assignable:
                # As an attribute: subclasses may set it in their bodies.
                if one.name not in names:
                    names.add(one.name)
                    yield f"{_INDENT}{one.name}: {assignable[one.name]}"
                continue
            for name, line in self._member(one, is_enum, kind):
                if not (kind is not None and name == "__init__" and constructor(kind)):
                    names.add(name)
                    yield _INDENT + line
        for name, annotation in _set_in_methods(node).items():
            if name not in names:
                yield f"{_INDENT}{name}: {attribute_type(kind, name, annotation, None)}"
        if kind is not None and (made := constructor(kind)):
            yield _INDENT + made
        yield f"{_INDENT}..."

    def _member(
        self, node: ast.stmt, is_enum: bool, kind: Class | None
    ) -> Iterator[tuple[str, str]]:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() if _is_shown(node.name):
                for line in _function(node):
                    yield node.name, line
            case ast.AnnAssign(target=ast.Name(id=name)) if not name.startswith("_"):
                yield name, _annotated(node, kind)
            case ast.Assign():
                for target in node.targets:
                    if isinstance(target, ast.Name) and not target.id.startswith("_"):
                        value = ast.unparse(node.value) if is_enum else ""
                        known = attribute_type(kind, target.id, "Any", node.value)
                        line = f"{target.id} = {value}" if value else f"{target.id}: {known}"
                        yield target.id, line
            case ast.ClassDef():
                for line in self._class(node, None):
                    yield node.name, line


def _is_interface(node: ast.ClassDef) -> bool:
    bases = [ast.unparse(base) for base in node.bases]
    return bases == ["Interface"] or (
        bool(re.match("I[A-Z]", node.name)) and bool(re.match("I[A-Z]", "".join(bases)))
    )


def _assignable_properties(node: ast.ClassDef) -> dict[str, str]:
    """Return the properties that have a setter, with their types."""
    methods = [one for one in node.body if isinstance(one, ast.FunctionDef)]
    set_ones = {
        one.name
        for one in methods
        if any(ast.unparse(decorator).endswith(".setter") for decorator in one.decorator_list)
    }
    return {
        one.name: ast.unparse(one.returns) if one.returns else "Any"
        for one in reversed(methods)
        if one.name in set_ones and not ast.unparse(one.decorator_list[0]).endswith(".setter")
    }


def _is_shown(name: str) -> bool:
    is_special = name in (*_SPECIAL, *_OPERATORS) or name.startswith(("__init__", "__r", "__a"))
    if name in _USED_ANYWAY:
        return True
    return not name.startswith("_") or (is_special and name != "__repr__")


def _imported(node: ast.ImportFrom) -> Iterator[str]:
    if node.module == "__future__":
        return
    is_ours = (node.module or "").startswith("buildbot")
    names = []
    for alias in node.names:
        name = alias.asname or alias.name
        again = is_ours and name != "*" and not name.startswith("_")
        names.append(f"{alias.name} as {name}" if again or alias.asname else alias.name)
    yield f"from {node.module} import {', '.join(names)}"


def _decorators(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    for decorator in node.decorator_list:
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
        if name in _KEPT:
            yield f"@{ast.unparse(decorator)}"


def _function(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    arguments = ast.unparse(_without_values(node.args))
    if node.name in _HOOKS and len(node.args.args) > 1:
        # Overriding methods may call the parameter what they like.
        arguments += ", /"
    if node.name in ("checkConfig", "reconfigService"):
        arguments = "self, *args: Any, **kwargs: Any"  # Each subclass has arguments of its own.
    returned = ast.unparse(node.returns) if node.returns else "Any"
    if isinstance(node, ast.AsyncFunctionDef):
        # Overriding methods may be plain, async, or return a Deferred: all can be awaited.
        returned = "Any"
    yield from _decorators(node)
    head = f"def {node.name}({arguments}) -> {returned}:"
    text = ast.get_docstring(node, clean=True)
    yield f"{head} ..." if text is None else f"{head} {_quoted(text)}"


def _without_values(arguments: ast.arguments) -> ast.arguments:
    dots = ast.Constant(...)
    return ast.arguments(
        posonlyargs=arguments.posonlyargs,
        args=arguments.args,
        vararg=arguments.vararg,
        kwonlyargs=arguments.kwonlyargs,
        kw_defaults=[None if one is None else dots for one in arguments.kw_defaults],
        kwarg=arguments.kwarg,
        defaults=[dots for _ in arguments.defaults],
    )


def _documented(node: ast.ClassDef) -> Iterator[str]:
    text = ast.get_docstring(node, clean=True)
    if text is not None:
        yield _INDENT + _quoted(text)


def _quoted(text: str) -> str:
    return repr(text)


def _annotated(node: ast.AnnAssign, kind: Class | None = None) -> str:
    value = " = ..." if node.value is not None and _is_field(node) else ""
    if isinstance(node.annotation, ast.Name) and node.annotation.id == "TypeAlias":
        value = f" = {ast.unparse(node.value)}" if node.value else ""
    name = ast.unparse(node.target)
    known = attribute_type(kind, name, ast.unparse(node.annotation), node.value)
    return f"{name}: {known}{value}"


def _is_field(node: ast.AnnAssign) -> bool:
    return isinstance(node.target, ast.Name)


def _assigned(node: ast.Assign) -> Iterator[str]:
    """Yield a module's names: aliases as they are, constants by their types."""
    called = node.value.func if isinstance(node.value, ast.Call) else None
    is_alias = isinstance(node.value, ast.Name | ast.Attribute | ast.Subscript | ast.BinOp)
    is_made = isinstance(called, ast.Name) and called.id in _MAKERS
    if (is_alias or is_made) and isinstance(node.targets[0], ast.Name):
        yield ast.unparse(node)
        return
    for target in node.targets:
        if isinstance(target, ast.Tuple):
            # Only results are assigned so: SUCCESS, WARNINGS … = ALL_RESULTS
            yield from (f"{ast.unparse(one)}: int" for one in target.elts)
        elif isinstance(target, ast.Name):
            if target.id == "__all__":
                yield ast.unparse(node)
            else:
                yield f"{target.id}: {_kind(node.value)}"


def _kind(value: ast.expr) -> str:
    if isinstance(value, ast.Constant) and type(value.value) in (str, int, float, bool):
        return type(value.value).__name__
    is_words = isinstance(value, ast.List) and all(
        isinstance(one, ast.Constant) and isinstance(one.value, str) for one in value.elts
    )
    return "list[str]" if is_words else "Any"


def _set_in_methods(node: ast.ClassDef) -> dict[str, str]:
    """Return the attributes that methods set, with what is known of their types."""
    found: dict[str, str] = {}
    for method in node.body:
        if not isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for one in ast.walk(method):
            if isinstance(one, ast.AnnAssign):
                targets, annotation = [one.target], ast.unparse(one.annotation)
            elif isinstance(one, ast.Assign):
                targets, annotation = one.targets, "Any"
            else:
                continue
            for target in targets:
                owner, _, name = ast.unparse(target).partition(".")
                if owner == "self" and name.isidentifier() and not name.startswith("_"):
                    found.setdefault(name, annotation)
    return found
