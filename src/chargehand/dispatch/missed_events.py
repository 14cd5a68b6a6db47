"""Events that a handler failed on: what they told of is looked for in the store."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

E = TypeVar("E")


class MissedEvents:
    """Notes whether an event was lost in a handler."""

    def __init__(self) -> None:
        self._is_any = False

    def noting(self, handler: Callable[[E], None]) -> Callable[[E], None]:
        """Return *handler*, whose failures are noted, and raised as before."""

        def handle(event: E) -> None:
            is_handled = False
            try:
                handler(event)
                is_handled = True
            finally:
                self._is_any = self._is_any or not is_handled

        return handle

    def take(self) -> bool:
        """Return whether any was lost since this was asked last."""
        was_any, self._is_any = self._is_any, False
        return was_any
