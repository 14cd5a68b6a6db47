"""Helpers for code that is written with Twisted's Deferreds."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from twisted.internet import defer, task


def asyncSleep(delay: float, reactor: Any = None) -> defer.Deferred[None]:
    """Return a Deferred that fires after *delay* seconds."""
    if reactor is None:
        from twisted.internet import reactor  # importing it earlier would install the wrong one
    return task.deferLater(reactor, delay, lambda: None)


def deferredLocked(lock_or_attr: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Run the decorated function only while a DeferredLock is held.

    The lock is given itself, or by the name of the method's object's attribute.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def locked(*args: Any, **kwargs: Any) -> Any:
            named = isinstance(lock_or_attr, str)
            lock = getattr(args[0], lock_or_attr) if named else lock_or_attr
            return lock.run(function, *args, **kwargs)

        return locked

    return decorate


def in_reactor(function: Callable[..., Any]) -> Callable[..., Any]:
    """Make a plain function of one that returns a Deferred: it runs a reactor until that fires."""

    @wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        outcome: list[Any] = []

        def main(reactor: Any) -> defer.Deferred[Any]:
            deferred = defer.maybeDeferred(function, *args, **kwargs)
            return deferred.addCallback(outcome.append)

        task.react(main, _reactor=None)
        return outcome[0]

    return run
