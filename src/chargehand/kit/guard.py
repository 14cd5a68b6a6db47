"""The one guard around code that may fail in any way: users' code, tasks, listeners.

What goes wrong inside is reported once, and what comes after the guard goes on. Only a cancellation
passes through, and the closing of a coroutine: ``sys.exit()`` in users' code ends nothing else.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from types import TracebackType
from typing import ParamSpec, Self, TypeVar

from chargehand.kit.expected import Expected
from chargehand.kit.frames import users_traceback

P = ParamSpec("P")
T = TypeVar("T")


class BaseExceptionRaised(Exception):
    """Users' code raised an exception that is no Exception: SystemExit, KeyboardInterrupt ….

    It fails what it was called for, like any error, and ends neither the loop nor the process.
    """

    def __init__(self, raised: BaseException) -> None:
        super().__init__(f"{type(raised).__name__}: {raised}".removesuffix(": "))
        self.raised = raised
        self.__cause__ = raised


ExceptionInfo = tuple[type[BaseException], BaseException, TracebackType | None]
"""What logging takes as ``exc_info``."""


def described(error: BaseException) -> ExceptionInfo:
    """Return what is to be shown of an exception of users' code: it, beginning at that code."""
    if isinstance(error, BaseExceptionRaised):
        error = error.raised
    return type(error), error, users_traceback(error)


def contained(function: Callable[P, T], *args: P.args, **keywords: P.kwargs) -> T:
    """Call plain code of users. Raises Exceptions only."""
    try:
        return function(*args, **keywords)
    except Exception:
        raise
    except BaseException as raised:
        raise BaseExceptionRaised(raised) from raised


class Guard:
    """A context that reports an exception and ends it there; ``failure`` is the exception."""

    __slots__ = ("_report", "failure")

    def __init__(self, report: Callable[[Exception], object]) -> None:
        self._report = report
        self.failure: Exception | None = None

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
