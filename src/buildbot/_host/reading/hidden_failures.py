"""What is missing where a configuration hides it: an import or a file in a ``try`` whose ``except``
goes on, so that a name is unknown later."""

from __future__ import annotations

import ast
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path

_READERS = frozenset({"open", "execfile", "Path", "run_path", "read_text"})


def of_name(name: str, file: str, directory: str) -> str | None:
    """Return what to say of a name that is not defined: the module or the file that *file* tries
    to load, and whose absence it hides. None where there is none."""
    try:
        tree = ast.parse(Path(file).read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):
        return None
    for attempt in (node for node in ast.walk(tree) if isinstance(node, ast.Try)):
        if not attempt.handlers:
            continue
        for node in (inner for statement in attempt.body for inner in ast.walk(statement)):
            if sentence := _of_import(node, name, directory) or _of_file(node):
                hidden = f'the "except" of the "try" in line {attempt.lineno} hides it'
                return f'name "{name}" is not defined. {sentence}; {hidden}'
    return None


def _of_import(node: ast.AST, name: str, directory: str) -> str | None:
    for module in _modules(node, name):
        if module.split(".")[0] in sys.modules and module in sys.modules:
            continue
        where = f'module "{module}", which line {getattr(node, "lineno", 0)} imports,'
        if _is_there(module):
            return f"The {where} raises an error"
        place = Path(directory, *module.split(".")).with_suffix(".py")
        return (
            f"The {where} is missing (settings and passwords are often left out of a repository): "
            f"create {place}, or install the package that it belongs to"
        )
    return None


def _modules(node: ast.AST, name: str) -> Iterator[str]:
    """Yield the modules from which an import would have taken *name*."""
    match node:
        case ast.ImportFrom(module=str(module), names=names, level=0):
            if any(one.name == "*" or (one.asname or one.name) == name for one in names):
                yield module
        case ast.Import(names=names):
            for one in names:
                if name == (one.asname or one.name.split(".")[0]):
                    yield one.name


def _is_there(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def _of_file(node: ast.AST) -> str | None:
    match node:
        case ast.Call(func=ast.Name(id=function) | ast.Attribute(attr=function), args=[path, *_]):
            if function not in _READERS:
                return None
            match path:
                case ast.Constant(value=str(text)) if not Path(text).expanduser().exists():
                    return (
                        f'The file "{text}", which line {node.lineno} reads, does not exist '
                        "(settings and passwords are often left out of a repository): create it, "
                        "or correct the path"
                    )
    return None
