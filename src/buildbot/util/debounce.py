"""Methods that are called often, and run once in a while."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from twisted.internet import defer

__all__ = ["Debouncer", "method"]


class Debouncer:
    """Runs a function *wait* seconds after it was called, once for all calls until then.

    With *until_idle* each call restarts the wait. Calls while it runs make it run again.
    """

    def __init__(
        self, wait: float, function: Callable[[], Any], get_reactor: Any, until_idle: bool
    ) -> None:
        self._wait = wait
        self._function = function
        self._get_reactor = get_reactor
        self._until_idle = until_idle
        self._timer: Any = None
        self._running: defer.Deferred[Any] | None = None
        self._is_wanted_again = False
        self._is_stopped = False

    def __call__(self) -> None:
        """Have it run soon."""
        if self._is_stopped:
            return
        if self._running is not None:
            self._is_wanted_again = True
        elif self._timer is None:
            self._timer = self._get_reactor().callLater(self._wait, self._begin)
        elif self._until_idle:
            self._timer.reset(self._wait)

    def start(self) -> None:
        """Take calls again, after `stop`."""
        self._is_stopped = False

    def stop(self) -> defer.Deferred[None]:
        """Run now what was asked for, and take no more calls; fires when nothing runs."""
        self._is_stopped = True
        if self._timer is not None:
            self._timer.cancel()
            self._begin()
        done: defer.Deferred[None] = defer.Deferred()
        if self._running is None:
            done.callback(None)
        else:

            def ended(result: Any) -> Any:
                done.callback(None)
                return result

            self._running.addBoth(ended)
        return done

    def _begin(self) -> None:
        self._timer = None
        self._running = defer.maybeDeferred(self._function)
        self._running.addErrback(_log)
        self._running.addBoth(self._ended)

    def _ended(self, result: Any) -> Any:
        self._running = None
        if self._is_wanted_again:
            self._is_wanted_again = False
            self()
        return result


def _log(failure: Any) -> None:
    from twisted.python import log

    log.err(failure, "while invoking a debounced method:")


class _Method:
    def __init__(self, function: Any, make: Callable[[Callable[[], Any]], Debouncer]) -> None:
        self._function = function
        self._make = make
        self.__doc__ = function.__doc__
        self.__name__ = function.__name__

    def __get__(self, owner: Any, kind: type) -> Any:
        if owner is None:
            return self
        name = f"__debounce_{self.__name__}__"
        found = owner.__dict__.get(name)
        if found is None:
            found = owner.__dict__[name] = self._make(partial(self._function, owner))
        return found


def method(
    wait: float, until_idle: bool = False, get_reactor: Callable[[Any], Any] | None = None
) -> Callable[[Any], Any]:
    """Make a method run at most once in *wait* seconds, however often it is called.

    The method takes no arguments; ``self.method.stop()`` and ``.start()`` switch it off and on.
    *get_reactor* gets the object, and returns its reactor: ``self.master.reactor`` if not given.
    """

    def decorated(function: Any) -> Any:
        def made(bound: Any) -> Debouncer:
            owner = bound.args[0]
            asked = get_reactor or _reactor_of
            return Debouncer(wait, bound, lambda: asked(owner), until_idle)

        return _Method(function, made)

    return decorated


def _reactor_of(owner: Any) -> Any:
    return owner.master.reactor
