"""Checking arguments against a documented list of names."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import FunctionType
from typing import Any

from buildbot._border.errors import MISSING, NO_ARGUMENT, error, is_collecting, warn

_SHORT = 3
_TAKING = ("__init__", "checkConfig", "reconfigService")
_ARGS = inspect.Parameter.VAR_POSITIONAL
_KEYWORDS = inspect.Parameter.VAR_KEYWORD


def bound(
    owner: str,
    names: Sequence[str],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the arguments by name; one that is not among *names* (``*``: any) is an error."""
    known = [name for name in names if name != "*"]
    if len(args) > len(known) and "*" not in names:
        error(f"{owner} takes at most {len(known)} positional arguments, not {len(args)}")
    found = dict(zip(known, args, strict=False))
    for name, value in kwargs.items():
        if name in found:
            error(f'{owner} got argument "{name}" twice, by position and by name')
        elif name in known or "*" in names:
            found[name] = value
        else:
            error(no_argument(owner, name, known))
    return found


def arguments_of(kind: type) -> frozenset[str]:
    """Return the names of all arguments that a class and its base classes say they take."""
    methods = (
        found
        for base in kind.__mro__
        for method in _TAKING
        if isinstance(found := base.__dict__.get(method), FunctionType)
    )
    named = {
        name
        for method in methods
        for name, parameter in inspect.signature(method).parameters.items()
        if name != "self" and parameter.kind not in (_ARGS, _KEYWORDS)
    }
    compared = (base.__dict__.get("compare_attrs") or () for base in kind.__mro__)
    return frozenset(name for name in named.union(*compared) if not name.startswith("_"))


def own_arguments(method: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a method whose arguments differ from those of the base class's method.

    ``checkConfig`` and ``reconfigService`` take the arguments of their class's constructor; only
    the class itself calls them.
    """
    return method


def no_argument(owner: str, name: object, known: Iterable[str]) -> str:
    """Return the message for an argument that *owner* does not have."""
    return f'{owner}{NO_ARGUMENT}"{name}"{did_you_mean(str(name), known)}'


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a question to append to the message about an unknown word; empty if none is close."""
    by_case = {one.lower(): one for one in known}
    cutoff = 0.6 if len(word) > _SHORT else 0.5  # "w2" is close to "w1"
    near = difflib.get_close_matches(word.lower(), by_case, n=1, cutoff=cutoff)
    return f'; did you mean "{by_case[near[0]]}"?' if near else ""


def renamed(step: str, old: str, old_value: Any, new: str, value: Any) -> Any:
    """Return the value of an argument that may come under its old name; that there is none is an
    error of the configuration, outside of reading one a TypeError."""
    if old_value is not None:
        warn(f"{step}: argument {old!r} is now called {new!r}")
        return old_value
    return needed(step, new, value)


def needed(owner: str, name: str, value: Any) -> Any:
    """Return the value of an argument; that there is none is an error of the configuration,
    outside of reading one a TypeError."""
    if value is not None:
        return value
    if not is_collecting():
        raise TypeError(f"{owner}: argument {name!r} is missing")
    error(f'{owner} needs the argument "{name}"')
    return MISSING
