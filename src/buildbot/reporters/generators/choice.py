"""Which builds a report generator is for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from buildbot._border.arguments import did_you_mean
from buildbot._border.errors import error
from buildbot.process.results import CANCELLED, EXCEPTION, FAILURE, SUCCESS, WARNINGS

Row = dict[str, Any]

MODES = ("change", "failing", "passing", "problem", "warnings", "exception", "cancelled")
"""The words of ``mode``."""
_SHORTHANDS = {
    "all": ("failing", "passing", "warnings", "exception", "cancelled"),
    "warnings": ("failing", "warnings"),
}
_RESULTS = {
    "failing": FAILURE,
    "passing": SUCCESS,
    "warnings": WARNINGS,
    "exception": EXCEPTION,
    "cancelled": CANCELLED,
}


def modes_of(owner: str, mode: Any) -> tuple[str, ...]:
    """Return the words of ``mode``, which may be one word, one that stands for several, or a
    sequence of them."""
    if isinstance(mode, str):
        words = _SHORTHANDS.get(mode, (mode,))
    elif isinstance(mode, Sequence | set | frozenset):
        words = tuple(mode)
    else:
        words = (str(mode),)
    for word in words:
        known = ("all", *MODES)
        if word == "all" and len(words) == 1:
            error(f"{owner}: write mode='all', not {mode!r}")
        elif word not in MODES:
            hint = did_you_mean(str(word), known) or f"; use {', '.join(known)}"
            error(f'{owner}: mode "{word}" does not exist{hint}')
    return words


def wants_previous_build(modes: Sequence[str]) -> bool:
    """Return whether it depends on the build before."""
    return "change" in modes or "problem" in modes


def is_wanted(modes: Sequence[str], results: int | None, previous: Row | None) -> bool:
    """Return whether a build with these results is one for the modes."""
    if any(_RESULTS.get(mode) == results for mode in modes):
        return True
    if previous is None or results is None:
        return False
    if "change" in modes and previous["results"] != results:
        return True
    return "problem" in modes and results == FAILURE and previous["results"] != FAILURE


def may_be_wanted(modes: Sequence[str], results: int | None) -> bool:
    """Return whether, as the case may be, `is_wanted` is true: without knowing the build before."""
    return (
        "change" in modes
        or any(_RESULTS.get(mode) == results for mode in modes)
        or ("problem" in modes and results == FAILURE)
    )
