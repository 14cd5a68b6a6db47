"""Frees objects that refer to each other in circles, a few at a time.

Python's garbage collector does that in one go: it looks at everything that is in memory, and
nothing else happens meanwhile. Here only what can be reached from given objects is looked at, by
the collector's own rule: what nothing outside refers to is garbage. Garbage stays garbage, so the
work can be done in slices while the loop goes on.
"""

from __future__ import annotations

import asyncio
import gc
import sys
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import CellType
from typing import cast

_SLICE = 300
_MOST = 2_000_000

_Dict = dict[object, object]


@dataclass(frozen=True, kw_only=True)
class Scope:
    """Objects that may be garbage, and what belongs to them."""

    roots: list[object]
    """They are taken out: who frees them must not be what keeps them."""
    is_inside: Callable[[object], bool]
    """Returns whether an object that is referred to belongs to them; it need not if it is in use,
    and whatever has a finalizer must not."""


async def free(scope: Scope, *, most: int = _MOST) -> int:
    """Free what is garbage, and return how many objects that were; 0 if there are more than
    *most*."""
    counts: Counter[int] = Counter()
    objects = await _within(scope, counts, most)
    garbage = await _without_others(objects, counts)
    del objects
    freed = len(garbage)
    await _break_circles(garbage)
    while garbage:
        del garbage[-_SLICE:]
        await asyncio.sleep(0)
    return freed


async def _within(scope: Scope, counts: Counter[int], most: int) -> list[object]:
    """Return all that can be reached from the roots, and count how often each is referred to."""
    found: list[object] = []
    known: set[int] = set()
    _add(scope.roots, found, known)
    scope.roots.clear()
    seen = 0
    while seen < len(found):
        if len(found) > most:
            return []
        end = min(seen + _SLICE, len(found))
        referred = gc.get_referents(*found[seen:end])
        seen = end
        tracked = list(filter(gc.is_tracked, referred))
        _add(
            (one for one in tracked if id(one) not in known and scope.is_inside(one)), found, known
        )
        # Only of those that are kept here: the identifiers of others may be used again.
        counts.update(filter(known.__contains__, map(id, tracked)))
        del referred, tracked
        await asyncio.sleep(0)
    return found


def _add(objects: Iterable[object], found: list[object], known: set[int]) -> None:
    for one in objects:
        if id(one) not in known:
            known.add(id(one))
            found.append(one)


async def _without_others(objects: list[object], counts: Counter[int]) -> list[object]:
    """Return those that nothing else refers to, directly or indirectly."""
    expected = _references(objects)
    by_us = _references([object()])[0]
    live = [
        one
        for one, references in zip(objects, expected, strict=True)
        if references - by_us > counts[id(one)]
    ]
    left = set(map(id, objects)).difference(map(id, live))
    while live:
        live[-_SLICE:] = _taken(gc.get_referents(*live[-_SLICE:]), left)
        await asyncio.sleep(0)
    garbage = [one for one in objects if id(one) in left]
    before = [
        references for one, references in zip(objects, expected, strict=True) if id(one) in left
    ]
    objects.clear()
    return garbage if _references(garbage) == before else []  # Else somebody has used them since.


def _taken(referred: list[object], left: set[int]) -> list[object]:
    taken = []
    for one in referred:
        if id(one) in left:
            left.discard(id(one))
            taken.append(one)
    return taken


def _references(objects: list[object]) -> list[int]:
    """Count the references to each object: in one call, so that nobody changes any meanwhile."""
    return list(map(sys.getrefcount, objects))


async def _break_circles(garbage: list[object]) -> None:
    ids = set(map(id, garbage))
    for index, one in enumerate(garbage):
        _let_go(one, ids)
        if index % _SLICE == 0:
            await asyncio.sleep(0)


def _let_go(one: object, garbage: set[int]) -> None:
    """Let an object forget what it refers to."""
    kind = type(one)  # isinstance() believes objects that pretend to be something else.
    if issubclass(kind, dict):
        dict.clear(cast(_Dict, one))
    elif issubclass(kind, list):
        list.clear(cast(list[object], one))
    elif issubclass(kind, set):
        set.clear(cast(set[object], one))
    elif issubclass(kind, deque):
        deque.clear(cast(deque[object], one))
    elif kind is CellType:
        _empty(cast(CellType, one))
    elif issubclass(kind, type):
        _forget_members(cast(type, one), garbage)
    if not issubclass(kind, type):
        _forget_all(one)


def _empty(cell: CellType) -> None:
    try:
        del cell.cell_contents
    except ValueError:
        pass  # It is empty already.


def _forget_members(kind: type, garbage: set[int]) -> None:
    for name in [name for name, value in vars(kind).items() if id(value) in garbage]:
        try:
            type.__delattr__(kind, name)
        except (AttributeError, TypeError):
            pass  # Python's own.


def _forget_all(one: object) -> None:
    try:
        attributes = object.__getattribute__(one, "__dict__")
    except AttributeError:
        return
    if type(attributes) is dict:
        attributes.clear()
