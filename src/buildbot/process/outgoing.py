"""Methods that users call, written as coroutines and returning Deferreds."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any

from buildbot._border.bridge import inward, outward


def outgoing(method: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Any]:
    """Make the method return a Deferred. Its coroutine may await Deferreds, as a user's may."""

    @wraps(method)
    def call(*args: Any, **keywords: Any) -> Any:
        return outward(inward(method, *args, **keywords))

    return call
