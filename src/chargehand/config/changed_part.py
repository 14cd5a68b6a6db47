"""Which part of a configured object is another than before: names of arguments, never values."""

from __future__ import annotations

import inspect
import types
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from chargehand.config.contents import state
from chargehand.config.equivalence import Equivalence, Identity
from chargehand.kit.values import compared_names

_DEEPEST = 12
_HIDDEN = frozenset(
    {
        *("_arguments", "_keywords", "_config_args", "_config_kwargs", "_constructed", "_given"),
        *("args", "kwargs", "_args", "_kwargs", "_factory", "_attributes", "attributes"),
    }
)
"""Where objects keep what they were constructed with: no names for a reader of the file."""

_Part = str | int
_Path = tuple[_Part, ...]


def changed_part(one: object, other: object) -> str:
    """Return where two configured values of one name differ first, as in ``factory.steps[2].env``;
    empty if that cannot be told."""
    before, after = getattr(one, "identity", None), getattr(other, "identity", None)
    if isinstance(before, Identity) and isinstance(after, Identity) and before != after:
        return _shown(_Search().path(before.value, after.value))
    if not isinstance(one, msgspec.Struct) or type(one) is not type(other):
        return ""
    for name in compared_names(type(one)):
        if getattr(one, name) != getattr(other, name):
            return "" if name == "identity" else name.replace("_", " ")
    return ""


class _Search:
    def __init__(self) -> None:
        self._equivalence = Equivalence()

    def path(self, one: object, other: object, depth: int = _DEEPEST) -> _Path:
        """Return the way to the first part that differs, as far as it can be told."""
        if depth and (same := self._class_of_both(one, other)) is not None:
            for part, value, counterpart in self._parts(one, other, same):
                if self._equivalence.compare(value, counterpart):
                    continue
                if isinstance(counterpart, type):
                    return (f"class {counterpart.__name__}",)
                rest = self.path(value, counterpart, depth - 1)
                if part in _HIDDEN and rest and isinstance(rest[0], int):
                    rest = (_parameter(_constructed(one), rest[0]), *rest[1:])
                return (part, *rest)
        return ()

    def _class_of_both(self, one: object, other: object) -> type | None:
        kind = type(one)
        if isinstance(one, type | types.ModuleType) or (callable(one) and not _has_state(one)):
            return None
        return kind if self._equivalence.compare(kind, type(other)) else None

    def _parts(
        self, one: object, other: object, kind: type
    ) -> Iterator[tuple[_Part, object, object]]:
        if isinstance(one, list | tuple) and isinstance(other, list | tuple):
            if len(one) == len(other):
                yield from ((n, a, b) for n, (a, b) in enumerate(zip(one, other, strict=True)))
        elif isinstance(one, Mapping) and isinstance(other, Mapping):
            yield from _pairs(one, other)
        elif (names := self._equivalence.compared_attributes(kind)) is not None:
            for name in names:
                yield name, getattr(one, name, None), getattr(other, name, None)
        else:
            yield from _pairs(state(one) or {}, state(other) or {})


def _has_state(value: object) -> bool:
    return not isinstance(value, types.FunctionType | types.MethodType | types.BuiltinFunctionType)


def _pairs(
    one: Mapping[Any, object], other: Mapping[Any, object]
) -> Iterator[tuple[_Part, object, object]]:
    for key in dict.fromkeys([*one, *other]):
        absent = object()
        yield str(key), one.get(key, absent), other.get(key, absent)


def _constructed(value: object) -> object:
    """Return the class whose arguments *value* keeps."""
    if isinstance(value, Mapping):
        return value.get("class")
    return getattr(value, "factory", None) or type(value)


def _parameter(kind: object, position: int) -> _Part:
    """Return the name of a positional argument, its position where it has none."""
    for method in ("checkConfig", "__init__"):
        function = getattr(kind, method, None)
        if isinstance(function, types.FunctionType):
            named = [
                one.name
                for one in inspect.signature(function).parameters.values()
                if one.kind is one.POSITIONAL_OR_KEYWORD
            ]
            if position + 1 < len(named):  # The first is self.
                return named[position + 1]
    return position


def _shown(path: _Path) -> str:
    words = ""
    for place, part in enumerate(path):
        if part in _HIDDEN:
            continue
        if isinstance(part, str):
            sign = ": " if part.startswith("class ") else "."
            words += f"{sign}{part}" if words else part
        elif place and path[place - 1] in _HIDDEN:
            words += f"{'.' if words else ''}argument {part + 1}"
        else:
            words += f"[{part}]"
    return words
