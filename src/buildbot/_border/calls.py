"""How users' functions can be called: older ones take fewer arguments."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any


def takes(function: Callable[..., Any], count: int) -> bool:
    """Return whether *function* can be called with that many arguments by position."""
    try:
        inspect.signature(function).bind(*[None] * count)
    except TypeError:
        return False
    except ValueError:  # it does not tell
        return True
    return True


def takes_builder(function: Callable[..., Any]) -> bool:
    """Return whether the second argument of *function* is the builder, as in Buildbot 4.3.

    Those written for older releases may have an optional one of their own there.
    """
    if not takes(function, 2):
        return False
    if not takes(function, 1):
        return True
    try:
        parameters = [*inspect.signature(function).parameters.values()][:2]
    except ValueError:
        return True
    last = parameters[-1]
    return last.kind is inspect.Parameter.VAR_POSITIONAL or last.name == "builder"
