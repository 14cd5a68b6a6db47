"""Compares configured objects across two readings of the configuration file.

Functions are equal when their code and what it refers to are, classes when their bodies are, and
instances when their classes and their state (``compare_attrs``, or all attributes) are. So a
configuration that is read again, with all its classes and functions redefined, equals itself.
"""

from __future__ import annotations

import functools
import re
import types
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from typing import TypeVar, cast

from chargehand.config.code import docstring_of, said
from chargehand.config.contents import Unseen, contents

_PLAIN = frozenset({str, int, bool, bytes, type(None), type(...), range})
_SETS = (set, frozenset)
_SPECIAL = (
    types.FunctionType,
    types.MethodType,
    types.ModuleType,
    types.CodeType,
    types.CellType,
    type,
    functools.partial,
    property,
    staticmethod,
    classmethod,
    re.Pattern,
    *_SETS,
)
_ABSENT = object()
_INCIDENTAL_WORDS = """
__dict__ __weakref__ __module__ __doc__ __firstlineno__ __static_attributes__
__abstractmethods__ _abc_impl __parameters__ __orig_bases__ __qualname__ __annotate__
__annotate_func__ __annotations_cache__ __match_args__ __dataclass_params__ _compared_attrs
__implemented__ __provides__ __providedBy__
"""
_INCIDENTAL = frozenset(_INCIDENTAL_WORDS.split())
_Key = TypeVar("_Key")
_Set = Set[object]
_Sequence = Sequence[object]
_Mapping = Mapping[object, object]


class Equivalence:
    """Compares objects. Within `remembering` it caches the results for pairs of objects.

    Not thread-safe.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], bool] = {}
        self._assumed: list[tuple[int, int]] = []
        self._kept: list[object] = []
        self._attributes: dict[type, tuple[str, ...] | None] = {}
        self._instances: set[type] = set()
        """Types whose instances are compared by what they have."""
        self._is_remembering = False

    @contextmanager
    def remembering(self) -> Iterator[None]:
        """Keep results from one comparison to the next: thousands of builders share functions.

        The cache keeps the compared objects alive, so it must not outlive the configuration that
        was compared.
        """
        self._is_remembering = True
        try:
            yield
        finally:
            self._is_remembering = False
            self.forget()

    def compare(self, one: object, other: object) -> bool:
        """Return whether *one* and *other* are equivalent; for callers outside."""
        try:
            return self.equal(one, other)
        except RecursionError:  # A list that contains itself, say: it cannot be told.
            self.forget()
            return False
        finally:
            if not self._is_remembering:
                self.forget()

    def forget(self) -> None:
        """Clear the cache."""
        self._known.clear()
        self._kept.clear()
        self._assumed.clear()

    def equal(self, one: object, other: object) -> bool:
        """Return whether *one* and *other* are equivalent."""
        if one is other:
            return True
        kind = type(one)
        if kind is type(other):
            if kind in _PLAIN:
                return bool(one == other)
            if kind is float or kind is complex:
                return repr(one) == repr(other)  # Two NaN are the same, and 0.0 is not -0.0.
            if kind is list or kind is tuple:
                return self._equal_sequences(cast(_Sequence, one), cast(_Sequence, other))
            if kind is dict:
                return self._equal_mappings(cast(_Mapping, one), cast(_Mapping, other))
        return self._remembered(one, other)

    def _remembered(self, one: object, other: object) -> bool:
        """Compare objects with possible cycles; a pair under comparison counts as equal."""
        pair = (id(one), id(other))
        known = self._known.get(pair)
        if known is not None:
            return known
        self._known[pair] = True
        self._kept.append(
            (one, other)
        )  # Keep the objects alive, so that their identifiers are not reused.
        before = len(self._assumed)
        self._assumed.append(pair)
        if self._compare(one, other):
            return True
        # Pairs found equal meanwhile may depend on this pair.
        for doubtful in self._assumed[before:]:
            del self._known[doubtful]
        del self._assumed[before:]
        self._known[pair] = False
        return False

    def _compare(self, one: object, other: object) -> bool:
        if type(one) in self._instances:
            return self._equal_instances(one, other)
        if not isinstance(one, _SPECIAL) or (
            isinstance(one, _SETS) and type(one) not in (set, frozenset)
        ):
            self._instances.add(type(one))
            return self._equal_instances(one, other)
        return self._equal_special(one, other)

    def _equal_special(self, one: object, other: object) -> bool:
        match one:
            case types.FunctionType():
                return isinstance(other, types.FunctionType) and self._equal_functions(one, other)
            case types.MethodType():
                return (
                    isinstance(other, types.MethodType)
                    and self.equal(one.__func__, other.__func__)
                    and self.equal(one.__self__, other.__self__)
                )
            case types.ModuleType():
                return isinstance(other, types.ModuleType) and self._equal_modules(one, other)
            case types.CodeType():
                return isinstance(other, types.CodeType) and self._equal_code(one, other)
            case types.CellType():
                return isinstance(other, types.CellType) and self._equal_cells(one, other)
            case type():
                return isinstance(other, type) and self._equal_classes(one, other)
            case functools.partial():
                return isinstance(other, functools.partial) and self.equal(
                    (one.func, one.args, one.keywords), (other.func, other.args, other.keywords)
                )
            case property():
                return isinstance(other, property) and self.equal(
                    (one.fget, one.fset, one.fdel), (other.fget, other.fset, other.fdel)
                )
            case staticmethod() | classmethod():
                return type(one) is type(other) and self.equal(one.__func__, other.__func__)
            case set() | frozenset():
                return type(one) is type(other) and self._equal_sets(one, cast(_Set, other))
            case re.Pattern():
                return bool(one == other)
        return False

    def _equal_sequences(self, one: _Sequence, other: _Sequence) -> bool:
        if len(one) != len(other):
            return False
        for item, counterpart in zip(one, other, strict=False):
            if item is not counterpart and not self.equal(item, counterpart):
                return False
        return True

    def _equal_mappings(self, one: Mapping[_Key, object], other: Mapping[_Key, object]) -> bool:
        if len(one) != len(other):
            return False
        for key, value in one.items():
            if type(key) is not str:
                break
            counterpart = other.get(key, _ABSENT)
            if value is not counterpart and not self.equal(value, counterpart):
                return False
        else:
            return True
        found = self._pairs(one, other)
        return found is not None and all(self.equal(one[a], other[b]) for a, b in found)

    def _equal_sets(self, one: Set[object], other: Set[object]) -> bool:
        return len(one) == len(other) and self._pairs(one, other) is not None

    def _pairs(self, one: Iterable[_Key], other: Iterable[_Key]) -> list[tuple[_Key, _Key]] | None:
        """Return which items of two sets are the same; None when some have no counterpart.

        Functions, say, are found one by one: their hashes do not depend on their content.
        """
        known = {item: item for item in other}
        pairs, rest = [], []
        for item in one:
            if item in known and self.equal(item, known[item]):
                pairs.append((item, known.pop(item)))
            else:
                rest.append(item)
        for item in rest:
            same = [candidate for candidate in known if self.equal(item, candidate)]
            if not same:
                return None
            pairs.append((item, known.pop(same[0])))
        return pairs

    def _equal_functions(self, one: types.FunctionType, other: types.FunctionType) -> bool:
        return (
            self.equal(one.__code__, other.__code__)
            and self.equal(one.__defaults__, other.__defaults__)
            and self.equal(one.__kwdefaults__, other.__kwdefaults__)
            and self.equal(one.__closure__, other.__closure__)
            and self.equal(one.__dict__, other.__dict__)
            and self.equal(_annotations(one), _annotations(other))
            and self._equal_globals(one, other)
        )

    def _equal_globals(self, one: types.FunctionType, other: types.FunctionType) -> bool:
        if one.__globals__ is other.__globals__:
            return True
        return all(
            self.equal(one.__globals__.get(name, _ABSENT), other.__globals__.get(name, _ABSENT))
            for name in _global_names(one.__code__)
        )

    def _equal_code(self, one: types.CodeType, other: types.CodeType) -> bool:
        is_documented = docstring_of(one) != docstring_of(other)
        return self._equal_sequences(
            said(one, is_documented=is_documented), said(other, is_documented=is_documented)
        )

    def _equal_cells(self, one: types.CellType, other: types.CellType) -> bool:
        return self.equal(_contents(one), _contents(other))

    def _equal_modules(self, one: types.ModuleType, other: types.ModuleType) -> bool:
        """Compare a module with its reloaded version, except names with double underscores."""
        if one.__name__ != other.__name__:
            return False
        return self._equal_mappings(_public(one), _public(other))

    def _equal_classes(self, one: type, other: type) -> bool:
        if one.__name__ != other.__name__ or one.__module__ != other.__module__:
            return False
        if one.__module__ == "builtins" or not self.equal(one.__bases__, other.__bases__):
            return False
        return self._equal_mappings(_body(one), _body(other))

    def _equal_instances(self, one: object, other: object) -> bool:
        if not self.equal(type(one), type(other)):
            return False
        names = self.compared_attributes(type(one))
        if names is not None:
            return self._equal_attributes(names, one, other)
        try:
            return self.equal(contents(one), contents(other))
        except Unseen:
            # Where it cannot be told, it changed.
            return type(one) is type(other) and _compares_itself(one) and bool(one == other)

    def _equal_attributes(self, names: tuple[str, ...], one: object, other: object) -> bool:
        for name in names:
            value = getattr(one, name, _ABSENT)
            counterpart = getattr(other, name, _ABSENT)
            if value is not counterpart and not self.equal(value, counterpart):
                return False
        return True

    def compared_attributes(self, kind: type) -> tuple[str, ...] | None:
        """Return the names in ``compare_attrs`` of the class and its bases, or None."""
        if kind not in self._attributes:
            names: dict[str, None] = {}
            for base in kind.__mro__:
                given = base.__dict__.get("compare_attrs") or ()
                names.update(dict.fromkeys((given,) if isinstance(given, str) else given))
            self._attributes[kind] = tuple(names) or None
        return self._attributes[kind]


class Identity:
    """The identity of a configured object; caches equality."""

    __slots__ = ("_also", "_class", "_equivalence", "_unlike", "value")

    def __init__(self, value: object, equivalence: Equivalence, also: object = None) -> None:
        self.value = value
        self._also = also
        """What else must be equal."""
        self._equivalence = equivalence
        self._class = object()
        """The same for all that are known to be equal."""
        self._unlike: object = None
        """The class of one that is known to differ."""

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Identity):
            return NotImplemented
        if self._class is other._class:
            return True
        if self._unlike is other._class or other._unlike is self._class:
            return False
        if self._also != other._also or not self._equivalence.compare(self.value, other.value):
            self._unlike = other._class
            return False
        other._class = self._class
        return True

    def __repr__(self) -> str:
        return f"<identity of {type(self.value).__name__}>"


def _compares_itself(instance: object) -> bool:
    """Return whether its class defines equality."""
    compare: object = type(instance).__eq__
    return compare is not object.__eq__


def _contents(cell: types.CellType) -> object:
    try:
        return cell.cell_contents
    except ValueError:
        return _ABSENT


def _global_names(code: types.CodeType) -> Iterable[str]:
    """Return the global names that the code, including nested code, may look up."""
    names = dict.fromkeys(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            names.update(dict.fromkeys(_global_names(constant)))
    return names


def _public(module: types.ModuleType) -> dict[str, object]:
    return {name: value for name, value in vars(module).items() if not name.startswith("__")}


def _body(kind: type) -> dict[str, object]:
    slots = kind.__dict__.get("__slots__", ())
    skipped = _INCIDENTAL.union((slots,) if isinstance(slots, str) else slots)
    body = {name: value for name, value in kind.__dict__.items() if name not in skipped}
    # zope.interface keeps what it finds out about a class there, whatever was declared.
    declared = getattr(kind.__dict__.get("__implemented__"), "declared", ())
    if declared:
        body["__implemented__"] = [getattr(one, "__identifier__", one) for one in declared]
    return body


def _annotations(function: types.FunctionType) -> object:
    try:
        return function.__annotations__
    except Exception:  # noqa: BLE001 - evaluated only now, by the user's own code
        return None
