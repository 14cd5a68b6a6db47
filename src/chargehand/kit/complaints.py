"""Failures of what is retried over and over, each logged once."""

from __future__ import annotations

import logging
from types import TracebackType
from typing import Self

from chargehand.kit.error_text import headline_of
from chargehand.kit.expected import Expected
from chargehand.kit.guard import Guard, described

_MOST = 10_000


class Complaints:
    """Logs a failure with its traceback, unless it is Expected, and repeats nothing that stays the
    same.

    When the operation succeeds, or fails in another way, the next failure is logged again.
    """

    __slots__ = ("_last", "_log")

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._last: dict[tuple[object, ...], str] = {}

    def failed(self, error: Exception, message: str, *arguments: object) -> None:
        """Log that an operation failed, unless it failed in this way the last time, too."""
        sentence = headline_of(error)
        key = (message, *arguments)
        if self._last.get(key) == sentence:
            self._log.debug(f"{message} again: %s", *arguments, sentence)
            return
        if len(self._last) >= _MOST:
            self._last.clear()
        self._last[key] = sentence
        if isinstance(error, Expected):
            self._log.error(f"{message}: %s", *arguments, error)
            return
        self._log.error(message, *arguments, exc_info=described(error))

    def succeeded(self, message: str, *arguments: object) -> None:
        """Note that the operation succeeded."""
        self._last.pop((message, *arguments), None)

    def guarded(self, message: str, *arguments: object) -> Guard:
        """Return a context that logs an exception as `failed` does, and goes on after it."""
        return _Complaining(self, message, arguments)


class _Complaining(Guard):
    __slots__ = ("_arguments", "_complaints", "_message")

    def __init__(self, complaints: Complaints, message: str, arguments: tuple[object, ...]) -> None:
        super().__init__(lambda error: complaints.failed(error, message, *arguments))
        self._complaints = complaints
        self._message = message
        self._arguments = arguments

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        if error is None:
            self._complaints.succeeded(self._message, *self._arguments)
        return super().__exit__(kind, error, trace)
