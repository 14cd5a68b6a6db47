"""Notifying all waiters once."""

from __future__ import annotations

from typing import Generic, TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

T = TypeVar("T")


class Notifier(Generic[T]):
    """Hands out Deferreds that all fire with the next notification."""

    def __init__(self) -> None:
        self._waiting: list[Deferred[T]] = []

    def wait(self) -> Deferred[T]:
        """Return a Deferred of the next notification."""
        deferred: Deferred[T] = Deferred()
        self._waiting.append(deferred)
        return deferred

    def notify(self, result: T | Failure) -> None:
        """Fire all that wait, with *result* (a Failure fails them)."""
        waiting, self._waiting = self._waiting, []
        for deferred in waiting:
            deferred.callback(result)

    def __bool__(self) -> bool:
        return bool(self._waiting)
