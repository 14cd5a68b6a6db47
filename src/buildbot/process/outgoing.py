"""Methods that users call, written as coroutines and returning Deferreds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from functools import wraps
from typing import ParamSpec, TypeVar

from buildbot._border.bridge import inward, outward

P = ParamSpec("P")
T = TypeVar("T")


def outgoing(method: Callable[P, Coroutine[object, object, T]]) -> Callable[P, Awaitable[T]]:
    """Make the method return a Deferred. Its coroutine may await Deferreds, as a user's may."""

    @wraps(method)
    def call(*args: P.args, **keywords: P.kwargs) -> Awaitable[T]:
        return outward(inward(method, *args, **keywords))

    return call
