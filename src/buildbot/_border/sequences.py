"""Lists, sets and dictionaries."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Mapping
from typing import Any

from buildbot._border.text import bytes2unicode

_DIGITS = re.compile(r"(\d+)")
_WORDS = frozenset({str, bytes, int, float, bool, type(None)})


def naturalSort(array: Iterable[str]) -> list[str]:
    """Return the strings in the order that people expect: a2 before a10."""
    return sorted(array, key=_natural_key)


def _natural_key(text: str) -> list[tuple[bool, int | str]]:
    parts = _DIGITS.split(text)
    return [(not p.isdigit(), int(p) if p.isdigit() else p) for p in parts if p]


def flattened_iterator(
    l: Iterable[Any],  # noqa: E741 - the documented name
    types: tuple[type, ...] = (list, tuple),
) -> Generator[Any, None, None]:
    """Yield the items of nested lists in order."""
    if not isinstance(l, types):
        yield l
        return
    for item in l:
        yield from flattened_iterator(item, types)


def flatten(
    l: Iterable[Any],  # noqa: E741 - the documented name
    types: tuple[type, ...] = (list,),
) -> Any:
    """Return nested lists as one list; what is none of *types* comes back as it is."""
    if types and not isinstance(l, types):
        return l
    if type(l) is list and types and _WORDS.issuperset(map(type, l)):
        return l.copy()  # As most are: nothing is nested.
    return list(flattened_iterator(l, types))


def makeList(input: Any) -> list[Any]:
    """Return a list: of one string, of the items of a list or tuple, or empty for None."""
    if isinstance(input, str):
        return [input]
    if input is None:
        return []
    return list(input)


def join_list(maybeList: Any) -> str:
    """Return the words of a list joined by spaces; a string is returned as it is."""
    if isinstance(maybeList, list | tuple):
        return " ".join(str(bytes2unicode(word)) for word in maybeList)
    return str(bytes2unicode(maybeList))


def diffSets(old: Iterable[Any], new: Iterable[Any]) -> tuple[set[Any], set[Any]]:
    """Return what was removed and what was added."""
    before, after = set(old), set(new)
    return before - after, after - before


def dictionary_merge(a: Any, b: Any) -> Any:
    """Return *a* with *b* merged into it, dictionaries within dictionaries as well."""
    if not isinstance(b, Mapping) or not isinstance(a, Mapping):
        return b
    merged = dict(a)
    for key, value in b.items():
        merged[key] = dictionary_merge(merged[key], value) if key in merged else value
    return merged
