"""Patterns of names, compared in time that is in proportion to the names."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from enum import StrEnum
from fnmatch import translate
from functools import lru_cache

_LONGEST = 10_000
"""Characters of a name; longer ones match nothing."""
_MOST_WORDS = 1_000


class Matching(StrEnum):
    """How patterns are compared with names."""

    FNMATCH = "fnmatch"
    REGEX = "regex"


def fits(matching: Matching, pattern: str, name: str) -> bool:
    """Return whether a name matches a pattern."""
    return len(name) <= _LONGEST and _compiled(matching, pattern)(name)


def all_that_fit(matching: Matching, pattern: str, names: Iterable[str]) -> frozenset[str]:
    """Return the names that match a pattern."""
    is_like = _compiled(matching, pattern)
    return frozenset(name for name in names if len(name) <= _LONGEST and is_like(name))


@lru_cache(maxsize=_MOST_WORDS)
def _compiled(matching: Matching, pattern: str) -> Callable[[str], bool]:
    if matching is Matching.REGEX:
        return linear(pattern)
    if not any(letter in pattern for letter in "*?["):
        return lambda name: name == pattern
    found = re.compile(translate(pattern))
    return lambda name: found.match(name) is not None


def linear(pattern: str) -> Callable[[str], bool]:
    """Return a comparison with a regular expression from the beginning of names, which takes time
    in proportion to their length. Raises ValueError for patterns that cannot be compared so."""
    try:
        import re2
    except ImportError:
        try:
            plain = re.compile(pattern)
        except re.error as problem:
            raise ValueError(str(problem)) from problem
        return lambda name: plain.match(name) is not None
    options = re2.Options()
    options.log_errors = False
    try:
        found = re2.compile(pattern, options)
    except re2.error as problem:
        reason = problem.args[0]
        raise ValueError(reason.decode() if isinstance(reason, bytes) else str(reason)) from problem
    return lambda name: found.match(name) is not None
