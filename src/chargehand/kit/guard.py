"""The one guard around code that may fail in any way: users' code, tasks, listeners.

What goes wrong inside is reported once, and what comes after the guard goes on. A cancellation, and
what ends the process, passes through.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from types import TracebackType
from typing import Self


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
        if error is None or not isinstance(error, Exception):
            return False
        self.failure = error
        self._report(error)
        return True


def guarded(log: logging.Logger, message: str, *arguments: object) -> Guard:
    """Log an exception that is raised in this context, with its traceback, and go on after it."""

    def report(error: Exception) -> None:
        log.error(message, *arguments, exc_info=error)

    return Guard(report)
