"""Writes the reference of the extension API: ``api.md``, and a page for each name that works.

Run ``python docs/reference/pages.py`` after the extension API has changed; a test compares. All
that the pages say comes from signatures, class attributes, and docstrings (`arguments.py`).
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
import sys
import textwrap
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
if str(HERE) not in sys.path:
    sys.path.insert(0, str(HERE))

from arguments import Argument, arguments, introduction  # noqa: E402
from names import _is_to_come  # noqa: E402

from buildbot import plugins  # noqa: E402
from buildbot.plugins.namespace import Namespace  # noqa: E402

NAMESPACES = {
    "steps": "Steps",
    "schedulers": "Schedulers",
    "changes": "Change sources",
    "worker": "Workers",
    "reporters": "Reporters",
    "secrets": "Secret providers",
    "util": "Utilities",
}
PLACE = HERE / "api"
_OF_ANYTHING = ("isEquivalent", "getConfigDict")
_TAKING = ("__init__", "checkConfig", "reconfigService")
_ABSENT = inspect.Parameter.empty
_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def pages() -> dict[Path, str]:
    """Return each page as it should be, by path."""
    found = {HERE / "api.md": _index()}
    for namespace in NAMESPACES:
        for name, thing in public(namespace).items():
            found[_path(namespace, name)] = _page(namespace, name, thing)
    return found


@cache
def public(namespace: str) -> dict[str, Any]:
    """Return what works in a namespace, by name; a second name of the same thing is left out."""
    source = getattr(plugins, namespace)
    assert isinstance(source, Namespace)
    found: dict[str, Any] = {}
    for name in source.offered:
        thing = source.get(name)
        is_alias = isinstance(thing, type) and any(thing is other for other in found.values())
        if callable(thing) and not _is_to_come(thing) and not is_alias:
            found[name] = thing
    return found


@cache
def described(kind: type) -> dict[str, tuple[type, Argument]]:
    """Return a class's arguments with the class whose docstring describes each, nearest first."""
    found: dict[str, tuple[type, Argument]] = {}
    for base in _ours(kind):
        for name, argument in arguments(base.__dict__.get("__doc__")).items():
            found.setdefault(name, (base, argument))
    return {name: pair for name, pair in found.items() if takes(kind, name, pair[0])}


def _ours(kind: type) -> list[type]:
    return [base for base in kind.__mro__ if base.__module__.startswith("buildbot")]


def takes(kind: type, name: str, owner: type) -> bool:
    """Return whether a class takes an argument that belongs to it, or to a base class.

    A constructor without ``**kwargs`` takes what it names; one may also pass a base class's
    argument itself, or prohibit it.
    """
    for base in kind.__mro__:
        if base is owner:
            return True
        own = [base.__dict__[method] for method in _TAKING if method in base.__dict__]
        if not own:
            continue
        parameters = [p for method in own for p in inspect.signature(method).parameters.values()]
        if any(parameter.name == name for parameter in parameters) or name in _popped(base):
            return True
        if name in _decided(base):
            return False
        if not any(parameter.kind in _VARIADIC for parameter in parameters):
            return False
    return True


def _calls(base: type) -> Iterator[ast.Call]:
    """Yield the calls in a class's constructor."""
    constructor = base.__dict__.get("__init__")
    if inspect.isfunction(constructor):
        tree = ast.parse(textwrap.dedent(inspect.getsource(constructor)))
        yield from (node for node in ast.walk(tree) if isinstance(node, ast.Call))


@cache
def _popped(base: type) -> frozenset[str]:
    """Return the arguments that a constructor takes out of its keyword arguments."""
    return frozenset(
        call.args[0].value
        for call in _calls(base)
        if isinstance(call.func, ast.Attribute) and call.func.attr == "pop"
        if call.args and isinstance(call.args[0], ast.Constant)
    )


@cache
def _decided(base: type) -> frozenset[str]:
    """Return the arguments of base classes that a constructor passes itself, or prohibits."""
    found: set[str] = set()
    for call in _calls(base):
        if isinstance(call.func, ast.Attribute):
            if call.func.attr == "__init__":
                found.update(keyword.arg for keyword in call.keywords if keyword.arg)
            for keyword in call.keywords:
                if keyword.arg == "prohibitArgs":
                    found.update(ast.literal_eval(keyword.value))
    return frozenset(found)


@cache
def accepted(kind: type) -> set[str]:
    """Return the names of the arguments that a class's code takes, as far as it names them."""
    found: set[str] = set()
    for base in _ours(kind):
        module = sys.modules[base.__module__]
        own = {*_popped(base), *getattr(base, "_OWN", ()), *(name for name, _ in _parameters(base))}
        for table in ("STEP_ARGUMENTS", "_CHECKS", "_DEFAULTS", "_OPTIONS"):
            if _is_table_of(base, module, table):
                own.update(getattr(module, table))
        found.update(name for name in own if takes(kind, name, base))
    return {name for name in found if not name.startswith("_")}


def _is_table_of(base: type, module: Any, table: str) -> bool:
    owners = {"STEP_ARGUMENTS": "BuildStep", "_CHECKS": "ShellMixin", "_DEFAULTS": "SVNPoller"}
    return hasattr(module, table) and base.__name__ == owners.get(table, "HTTPStep")


@cache
def _parameters(base: type) -> tuple[tuple[str, Any], ...]:
    """Return the parameters that a class's own methods name, with their defaults."""
    found = []
    for method in _TAKING:
        function = base.__dict__.get(method)
        if function is not None:
            parameters = list(inspect.signature(function).parameters.values())[1:]
            found += [(one.name, one.default) for one in parameters if one.kind not in _VARIADIC]
    return (*found, *_fields(base))


def _fields(base: type) -> Iterator[tuple[str, Any]]:
    """Yield the fields of the dataclasses that a scheduler's class takes its arguments with."""
    methods = [base.__dict__[name] for name in _TAKING if name in base.__dict__]
    module = vars(sys.modules[base.__module__])
    for method in methods:
        for name in inspect.unwrap(method).__code__.co_names:
            kind = module.get(name)
            if name.endswith("Arguments") and dataclasses.is_dataclass(kind):
                for field in dataclasses.fields(kind):
                    yield field.name, field.default


@cache
def default_of(kind: type, argument: Argument) -> str:
    """Return an argument's default as the page shows it."""
    if argument.is_required:
        return "required"
    if argument.default is not None:
        return argument.default
    if _star(kind, argument.name):
        return "empty"
    attribute = _ABSENT
    for base in _ours(kind):
        for name, value in _parameters(base):
            if name == argument.name and value is not _ABSENT and not _stands_for_none(value):
                is_overridden = value is None and attribute is not _ABSENT
                return _shown(attribute if is_overridden else value)
        value = base.__dict__.get(argument.name, _ABSENT)
        if attribute is _ABSENT and not isinstance(value, property) and not callable(value):
            attribute = value
    return "required" if attribute is _ABSENT else _shown(attribute)


@cache
def _constructor(kind: type) -> Mapping[str, inspect.Parameter]:
    # Of a class, older releases of Python give the signature of a base's `__new__`.
    makes = next(base for base in kind.__mro__ if {"__init__", "__new__"} & vars(base).keys())
    takes = vars(makes).get("__init__", vars(makes).get("__new__"))
    return {} if makes is object else inspect.signature(takes).parameters


def _star(kind: type, name: str) -> str:
    """Return the stars before an argument that stands for several."""
    parameter = _constructor(kind).get(name)
    if parameter is None or parameter.kind not in _VARIADIC:
        return ""
    return "*" * (1 + (parameter.kind is inspect.Parameter.VAR_KEYWORD))


def _stands_for_none(value: Any) -> bool:
    return type(value) is object or isinstance(value, type)


def _shown(value: Any) -> str:
    if value is None or isinstance(value, bool | int | float):
        return repr(value)
    if isinstance(value, str):
        return f'"{value}"' if value else "empty"
    if isinstance(value, list | tuple | dict | Mapping):
        return repr(value) if value else "empty"
    return re.sub(r" at 0x\w+", "", str(value))


def _path(namespace: str, name: str) -> Path:
    return PLACE / namespace / f"{name}.md"


def _index() -> str:
    parts = [
        "# Reference of the extension API\n\n"
        "A page for each name of `buildbot.plugins` that works, with its arguments. "
        "[Buildbot's names](names.md) lists those that are accepted only, too; the "
        "[glossary](glossary.md) has names of earlier versions.\n\n"
        "These pages are generated from the code by `docs/reference/pages.py`.\n"
    ]
    for namespace, title in NAMESPACES.items():
        lines = [f"## {title}\n", "| name | |", "|---|---|"]
        for name, thing in public(namespace).items():
            link = f"[`{namespace}.{name}`](api/{namespace}/{name}.md)"
            lines.append(f"| {link} | {_cell(_first_sentence(thing))} |")
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def _first_sentence(thing: Any) -> str:
    text = " ".join(introduction(thing.__doc__).split("\n\n")[0].split())
    return _markdown(re.split(r"(?<=[.:]) ", text)[0].rstrip(":"))


def _page(namespace: str, name: str, thing: Any) -> str:
    is_class = isinstance(thing, type)
    where = thing if is_class or inspect.isfunction(thing) else type(thing)
    parts = [f"# `{namespace}.{name}`\n", f"{_markdown(introduction(thing.__doc__))}\n"]
    parts.append(f"Defined as `{where.__module__}.{where.__qualname__}`.")
    if is_class and (bases := _public_bases(thing)):
        parts[-1] += f" A subclass of {' and '.join(_link(*base) for base in bases)}."
    parts[-1] += "\n"
    if is_class:
        parts += [*_sections(thing), *_methods(thing)]
    elif inspect.isfunction(thing):
        parts.append(f"```python\n{thing.__name__}{_signature(thing)}\n```\n")
    parts.append("[All names](../../api.md)\n")
    return "\n".join(parts)


def _signature(function: Any) -> str:
    signature = inspect.signature(function)
    parameters = [one.replace(annotation=_ABSENT) for one in signature.parameters.values()]
    text = str(signature.replace(parameters=parameters, return_annotation=_ABSENT))
    return re.sub(r"<(?:function |object )?(\w+)[^>]* at 0x\w+>", r"\1", text)


def _sections(kind: type) -> Iterator[str]:
    """Yield a table of the class's own arguments, and references to those it inherits."""
    own: dict[str, Argument] = {}
    inherited: dict[type, dict[str, Argument]] = {}
    for name, (base, argument) in described(kind).items():
        if base is kind or not _name_of(base):
            own[name] = argument
        else:
            inherited.setdefault(base, {})[name] = argument
    if own:
        yield "## Arguments\n"
        yield _table(kind, own)
    for base, theirs in inherited.items():
        yield f"## Arguments of {_link(*_name_of(base))}\n"
        names = ", ".join(f"`{name}`" for name in theirs)
        yield f"{names}: see {_link(*_name_of(base))}.\n"
        differing = {
            name: argument
            for name, argument in theirs.items()
            if default_of(kind, argument) != default_of(base, argument)
        }
        if differing:
            yield "With other defaults here:\n"
            yield _table(kind, differing)
    if not own and not inherited:
        yield "It takes no arguments.\n"


def _table(kind: type, rows: Mapping[str, Argument]) -> str:
    lines = ["| argument | type | default | renderable | meaning |", "|---|---|---|---|---|"]
    for name, argument in rows.items():
        default = default_of(kind, argument)
        unit = f" ({argument.unit})" if argument.unit else ""
        shown = default if default in ("required", "empty") else f"`{default}`"
        cells = [
            f"`{_star(kind, name)}{name}`",
            f"`{argument.type}`{unit}",
            shown,
            "yes" if argument.is_renderable else "no",
            _markdown(argument.meaning),
        ]
        lines.append("| " + " | ".join(map(_cell, cells)) + " |")
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _markdown(text: str) -> str:
    """Return the text of a docstring, with code marked as Markdown marks it."""
    return re.sub(r"``(.+?)``", r"`\1`", text)


def _public_names() -> dict[type, tuple[str, str]]:
    return {
        thing: (namespace, name)
        for namespace in NAMESPACES
        for name, thing in public(namespace).items()
        if isinstance(thing, type)
    }


_NAMES = _public_names()


def _name_of(kind: type) -> tuple[str, ...]:
    return _NAMES.get(kind, ())


def _public_bases(kind: type) -> list[tuple[str, ...]]:
    """Return the nearest base classes that have a page of their own."""
    found: list[type] = []
    for base in kind.__mro__[1:]:
        if base in _NAMES and not any(issubclass(nearer, base) for nearer in found):
            found.append(base)
    return [_NAMES[base] for base in found]


def _methods(kind: type) -> Iterator[str]:
    """Yield a list of the methods that a class, or a base class without a page, defines."""
    documented = [base for base in _ours(kind) if base is not kind and _name_of(base)]
    rows: dict[str, str] = {}
    for base in _ours(kind):
        if any(issubclass(other, base) for other in documented):
            continue
        for name, value in vars(base).items():
            is_shown = not name.startswith("_") and name not in (*_TAKING, *_OF_ANYTHING, *rows)
            is_inherited = any(hasattr(other, name) for other in documented)
            if is_shown and inspect.isfunction(value) and value.__doc__ and not is_inherited:
                words = " ".join(inspect.cleandoc(value.__doc__).split())
                rows[name] = f"* `{name}{_signature(value)}`: {_markdown(words)}"
    if rows:
        yield "## Methods\n"
        yield "\n".join(rows.values()) + "\n"


def _link(namespace: str, name: str) -> str:
    return f"[`{namespace}.{name}`](../{namespace}/{name}.md)"


def write() -> None:
    """Write all pages, and remove those of names that are gone."""
    found = pages()
    for path in PLACE.rglob("*.md"):
        if path not in found:
            path.unlink()
    for path, text in found.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write()
