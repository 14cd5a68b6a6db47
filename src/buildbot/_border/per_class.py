"""Remembering what was found out about classes for as long as they exist."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar
from weakref import ref

_Found = TypeVar("_Found")


def per_class(function: Callable[[type], _Found]) -> Callable[[type], _Found]:
    """Call the function once for each class.

    Each reading of a configuration makes new classes: a cache that keeps them alive would
    keep all that the file has, too. What is found must not refer to the class either.
    """
    known: dict[int, tuple[_Found, ref[type]]] = {}
    # By identity: a weak dictionary takes half a microsecond, for every step of every builder.

    def found(kind: type) -> _Found:
        entry = known.get(id(kind))
        if entry is not None:
            return entry[0]
        answer, number = function(kind), id(kind)

        def forget(_: ref[type]) -> None:
            known.pop(number, None)

        known[number] = (answer, ref(kind, forget))
        return answer

    return found
