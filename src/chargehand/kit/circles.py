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
from itertools import compress
from operator import not_
from types import CellType
from typing import cast

import msgspec

_SLICE = 300
_MANY = 5_000
"""Objects that are only looked at once in between."""
_MOST = 2_000_000

_Dict = dict[object, object]


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """Objects that may be garbage, and what belongs to them."""

    roots: list[object]
    """They are taken out: who frees them must not be what keeps them. Those that are in use are
    put back."""
    is_inside: Callable[[object], bool]
    """Returns whether an object that is referred to belongs to them; it need not if it is in use,
    and whatever has a finalizer must not."""


async def free(scope: Scope, *, most: int = _MOST) -> int:
    """Free what is garbage, and return how many objects that were; 0 if there are more than
    *most*."""
    counts: Counter[int] = Counter()
    roots = set(map(id, scope.roots))
    objects = await _within(scope, counts, most)
    garbage, ids = await _without_others(objects, counts)
    scope.roots.extend(one for one in objects if id(one) in roots)
    objects.clear()
    freed = len(garbage)
    for start in range(0, freed, _SLICE):
        for one in garbage[start : start + _SLICE]:
            _let_go(one, ids)
        await asyncio.sleep(0)
    one = None
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


async def _without_others(
    objects: list[object], counts: Counter[int]
) -> tuple[list[object], set[int]]:
    """Take those out that nothing else refers to, directly or indirectly; return them, and their
    identifiers."""
    by_us = _references([object()])[0]
    expected: list[int] = []
    left: set[int] = set()
    live: list[object] = []
    for start in range(0, len(objects), _MANY):
        part = objects[start : start + _MANY]
        expected += [count - 1 for count in _references(part)]  # The part refers to them, too.
        _divide(part, expected[start:], by_us, counts, left, live)
        await asyncio.sleep(0)
    part = []
    while live:
        live[-_SLICE:] = _taken(gc.get_referents(*live[-_SLICE:]), left)
        await asyncio.sleep(0)
    garbage: list[object] = []
    others: list[object] = []
    for start in range(0, len(objects), _MANY):
        part = objects[start : start + _MANY]
        is_left = [id(one) in left for one in part]
        garbage.extend(compress(part, is_left))
        others.extend(compress(part, map(not_, is_left)))
        del part
        await asyncio.sleep(0)
    objects[:] = others
    others.clear()
    if await _are_unused(garbage, left, by_us):
        return garbage, left
    objects.extend(garbage)
    return [], set()


async def _are_unused(garbage: list[object], ids: set[int], by_us: int) -> bool:
    """Return whether these objects refer to each other only, with nobody else using them.

    They were counted while others worked, who may have taken one out of a list that had been
    counted already, and still have it. So they are counted once more among themselves, with the
    number of all references to them before and after: all three must agree.
    """
    before = _references(garbage)
    among: Counter[int] = Counter()
    for start in range(0, len(garbage), _SLICE):
        referred = gc.get_referents(*garbage[start : start + _SLICE])
        among.update(filter(ids.__contains__, map(id, referred)))
        del referred
        await asyncio.sleep(0)
    expected: list[int] = []
    for start in range(0, len(garbage), _MANY):
        part = garbage[start : start + _MANY]
        expected.extend(among[one] + by_us for one in map(id, part))
        del part
        await asyncio.sleep(0)
    return before == expected and _references(garbage) == expected


def _divide(
    objects: list[object],
    expected: list[int],
    by_us: int,
    counts: Counter[int],
    left: set[int],
    live: list[object],
) -> None:
    for one, references in zip(objects, expected, strict=True):
        if references - by_us > counts[id(one)]:
            live.append(one)
        else:
            left.add(id(one))


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
