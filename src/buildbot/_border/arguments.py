"""Checking arguments against a documented list of names."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from buildbot._border.errors import error


def bound(
    owner: str,
    names: Sequence[str],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the arguments by name; what is not among *names* (``*``: any) is an error."""
    known = [name for name in names if name != "*"]
    if len(args) > len(known) and "*" not in names:
        error(f"{owner} takes at most {len(known)} positional arguments, and got {len(args)}")
    found = dict(zip(known, args, strict=False))
    for name, value in kwargs.items():
        if name in found:
            error(f"{owner} got several values for the argument {name!r}")
        elif name in known or "*" in names:
            found[name] = value
        else:
            error(f"{owner}: unknown argument {name!r}{_suggestion(name, known)}")
    return found


def own_arguments(method: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a method that takes other arguments than that of its base class.

    ``checkConfig`` and ``reconfigService`` take what the constructor of their class takes, whatever
    it is; only the class itself calls them, with what its constructor was given.
    """
    return method


def _suggestion(name: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
