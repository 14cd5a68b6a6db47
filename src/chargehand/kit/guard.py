"""The one guard around code that may fail in any way: users' code, tasks, listeners.

It reports a failure once, and execution continues after the guard. Only cancellation and the
closing of a coroutine pass through; ``sys.exit()`` in users' code ends nothing else.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from types import TracebackType
from typing import ParamSpec, Self, TypeVar

from chargehand.kit.error_text import StandIn, headline_of, raised_by
from chargehand.kit.expected import Expected
from chargehand.kit.frames import users_traceback

P = ParamSpec("P")
T = TypeVar("T")


class BaseExceptionRaised(StandIn):
    """Users' code raised an exception outside of Exception: SystemExit, KeyboardInterrupt ….

    Like any error it fails the calling operation, but neither the loop nor the process.
    """

    def __init__(self, raised: BaseException) -> None:
        super().__init__(headline_of(raised))
        self.raised = raised
        self.__cause__ = raised


ExceptionInfo = tuple[type[BaseException], BaseException, TracebackType | None]
"""A value for logging's ``exc_info``."""


def described(error: BaseException) -> ExceptionInfo:
    """Return the exception with a traceback that begins at users' code, for logs."""
    error = raised_by(error)
    return type(error), error, users_traceback(error)


def contained(function: Callable[P, T], *args: P.args, **keywords: P.kwargs) -> T:
    """Call a plain function of users' code. Raises Exceptions only."""
    try:
        return function(*args, **keywords)
    except Exception:
        raise
    except BaseException as raised:
        raise BaseExceptionRaised(raised) from raised


class Guard:
    """A context that reports and suppresses an exception, and keeps it in ``failure``."""

    __slots__ = ("_report", "failure")

    def __init__(self, report: Callable[[Exception], object]) -> None:
        self._report = report
        self.failure: Exception | None = None

    def call(self, function: Callable[[T], object], argument: T) -> None:
        """Call a plain function in this context: the same, for what is called very often."""
        try:
            function(argument)
        except BaseException as error:
            if not self.__exit__(type(error), error, error.__traceback__):
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        if error is None or isinstance(error, asyncio.CancelledError | GeneratorExit):
            return False
        if not isinstance(error, Exception):
            error = BaseExceptionRaised(error)
        self.failure = error
        self._report(error)
        return True


def guarded(log: logging.Logger, message: str, *arguments: object) -> Guard:
    """Log an exception that is raised in this context, and go on after it.

    Its traceback begins at the user's code, if there is any in it; what is Expected has none.
    """

    def report(error: Exception) -> None:
        if isinstance(error, Expected):
            log.error(f"{message}: %s", *arguments, error)
            return
        log.error(message, *arguments, exc_info=described(error))

    return Guard(report)
