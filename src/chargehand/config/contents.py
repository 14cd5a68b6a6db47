"""What an instance consists of, as far as it can be seen from outside."""

from __future__ import annotations

import copyreg
import threading
from collections import OrderedDict, defaultdict, deque
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple, ParamSpec, TypeVar

_NOTHING_WITHIN = (object, type(threading.Lock()), type(threading.RLock()))
"""Types whose instances have nothing that could differ between two readings of a file."""

_REDUCTIONS = (object.__reduce__, object.__reduce_ex__)


class Unseen(Exception):
    """The instance cannot be inspected."""


class Items(NamedTuple):
    """What a mapping has, in an order that matters."""

    pairs: tuple[tuple[object, object], ...]


def contents(instance: object) -> object:
    """Return values that are equal when two instances of one class are. Raises Unseen."""
    held = _held(instance)
    if held is not None:
        return held, state(instance) or {}
    if isinstance(instance, TypeVar | ParamSpec):
        return instance.__name__, instance.__bound__, getattr(instance, "__constraints__", ())
    reduced = _reduced(instance)
    if reduced is not None:
        return reduced
    if (visible := state(instance)) is not None:
        return visible
    if type(instance) in _NOTHING_WITHIN:
        return ()
    raise Unseen


def state(instance: object) -> dict[str, object] | None:
    """Return the attributes of an instance, None where it has no place for any."""
    found: dict[str, object] | None = getattr(instance, "__dict__", None)
    slots = [
        name
        for base in type(instance).__mro__
        for name in _as_names(base.__dict__.get("__slots__", ()))
        if name not in ("__dict__", "__weakref__")
    ]
    if not slots:
        has_no_place = all("__slots__" in base.__dict__ for base in type(instance).__mro__[:-1])
        return {} if found is None and has_no_place and type(instance) is not object else found
    return {
        **(found or {}),
        **{name: getattr(instance, name) for name in slots if hasattr(instance, name)},
    }


def _as_names(slots: str | Iterable[str]) -> tuple[str, ...]:
    return (slots,) if isinstance(slots, str) else tuple(slots)


def _held(instance: object) -> object | None:
    """Return what it holds as a kind of list, dictionary, set, text or number; None: it is none."""
    if isinstance(instance, OrderedDict):
        return Items(tuple(OrderedDict.items(instance)))
    if isinstance(instance, defaultdict):
        return instance.default_factory, dict(dict.items(instance))
    if isinstance(instance, dict):
        return dict(dict.items(instance))
    if isinstance(instance, MappingProxyType):
        return dict(instance)
    if isinstance(instance, deque):
        return list(deque.__iter__(instance)), instance.maxlen
    if isinstance(instance, list):
        return list(list.__iter__(instance))
    if isinstance(instance, tuple):
        return tuple(tuple.__iter__(instance))
    if isinstance(instance, set):
        return set(set.__iter__(instance))
    if isinstance(instance, frozenset):
        return frozenset(frozenset.__iter__(instance))
    return _plain(instance)


def _plain(instance: object) -> object | None:
    """Return a text or a number as the base class has it, whatever its own methods say."""
    match instance:
        case str():
            return str.__str__(instance)
        case int():
            return int.__index__(instance)
        case float():
            return float.__float__(instance)
        case complex():
            return complex.__complex__(instance)
        case bytes():
            return bytes.__bytes__(instance)
        case bytearray():
            return bytes(instance)
    return None


def _reduced(instance: object) -> tuple[object, ...] | None:
    """Return from what a copy would be made, where the class itself says that."""
    kind = type(instance)
    if (kind.__reduce__, kind.__reduce_ex__) == _REDUCTIONS and not _is_registered(kind):
        return None
    try:
        reduced = copyreg.dispatch_table[kind](instance) if _is_registered(kind) else (
            instance.__reduce_ex__(2)
        )  # fmt: skip
    except Exception:  # noqa: BLE001 - a user's class that cannot be copied: look at its attributes
        return None
    if not isinstance(reduced, tuple):
        return None  # The name of a global: it does not say what that is.
    head, rest = reduced[:3], reduced[3:5]
    return (*head, *(None if some is None else list(some) for some in rest))


def _is_registered(kind: type) -> bool:
    table: Mapping[type, object] = copyreg.dispatch_table
    return kind in table
