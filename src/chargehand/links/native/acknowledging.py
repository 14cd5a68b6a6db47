"""Acknowledges a command's updates in order, each after it is stored."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from chargehand.domain.session import Receipt


class Acknowledgements:
    """Calls *acknowledge* with the number up to which all updates are stored, as it grows."""

    def __init__(self, acknowledge: Callable[[int], None]) -> None:
        self._acknowledge = acknowledge
        self._waiting: deque[tuple[int, Receipt | None]] = deque()

    def add(self, number: int, receipt: Receipt | None) -> None:
        """Add the next update; *receipt* is done when it is stored, None if it already is."""
        if not self._waiting and (receipt is None or receipt.done()):
            self._acknowledge(number)
            return
        self._waiting.append((number, receipt))
        if receipt is not None and not receipt.done():
            receipt.add_done_callback(self._look)
        else:
            self._look(None)

    def _look(self, _receipt: object) -> None:
        safe = 0
        while self._waiting:
            number, receipt = self._waiting[0]
            if receipt is not None and not receipt.done():
                break
            safe = number
            self._waiting.popleft()
        if safe:
            self._acknowledge(safe)
