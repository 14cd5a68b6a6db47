"""Remembering what was found out about classes for as long as they exist."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar
from weakref import WeakKeyDictionary

_Found = TypeVar("_Found")


def per_class(function: Callable[[type], _Found]) -> Callable[[type], _Found]:
    """Call the function once for each class.

    Each reading of a configuration makes new classes: a cache that keeps them alive would
    keep all that the file has, too. What is found must not refer to the class either.
    """
    known: WeakKeyDictionary[type, _Found] = WeakKeyDictionary()

    def found(kind: type) -> _Found:
        try:
            return known[kind]
        except KeyError:
            pass
        known[kind] = answer = function(kind)
        return answer

    return found
