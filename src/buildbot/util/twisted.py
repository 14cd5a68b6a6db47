"""Coroutine functions for callers that want Deferreds."""

from __future__ import annotations

import functools
from collections.abc import Callable, Coroutine
from typing import Any

from buildbot._border.bridge import eager

__all__ = ["async_to_deferred"]


def async_to_deferred(function: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Any]:
    """Make an ``async def`` start at once and return a Deferred, like ``inlineCallbacks``."""

    @functools.wraps(function)
    def returning_deferred(*args: Any, **kwargs: Any) -> Any:
        return eager(function(*args, **kwargs))

    return returning_deferred
