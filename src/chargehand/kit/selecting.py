"""The selector of the loop: it does not ask the system again and again while there is work."""

from __future__ import annotations

import selectors

MOST_SKIPPED = 8
"""How many turns of the loop may pass without a look at sockets, while callbacks are waiting."""


class Selector(selectors.DefaultSelector):
    """Looks for events when the loop is idle, and in between after some turns.

    A step takes the loop several turns, one right after the other. Each look is a system call, and
    lets another thread take the interpreter, just to find that nothing has come meanwhile.
    """

    def __init__(self) -> None:
        super().__init__()
        self._skipped = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Wait for events; return none at once where the loop does not want to wait."""
        if timeout is not None and timeout <= 0 and self._skipped < MOST_SKIPPED:
            self._skipped += 1
            return []
        self._skipped = 0
        return super().select(timeout)
