"""Notes events lost by failed handlers, so that the store is queried instead."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

E = TypeVar("E")


class MissedEvents:
    """Records whether a handler lost an event."""

    def __init__(self) -> None:
        self._is_any = False

    def noting(self, handler: Callable[[E], None]) -> Callable[[E], None]:
        """Wrap *handler* to record its failures, which are still raised."""

        def handle(event: E) -> None:
            is_handled = False
            try:
                handler(event)
                is_handled = True
            finally:
                self._is_any = self._is_any or not is_handled

        return handle

    def take(self) -> bool:
        """Return whether any event was lost since the last call."""
        was_any, self._is_any = self._is_any, False
        return was_any
