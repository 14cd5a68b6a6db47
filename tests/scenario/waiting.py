"""Waiting for what other processes do and nobody announces to us.

The only place where tests let real time pass: they look again and again, and go on when it is so.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE = 120.0
"""Seconds after which a test gives up what must happen: more than a machine that has much else to
do ever needs. Nothing is proved by a smaller number; what must not wait is proved by an event."""
_POLL = 0.02


async def until(is_so: Callable[[], bool]) -> None:
    """Look again and again until it is so."""
    async with asyncio.timeout(PATIENCE):
        while not is_so():
            await asyncio.sleep(_POLL)


def eventually(what: str, look: Callable[[], T | None], patience: float = PATIENCE) -> T:
    """Look again and again until there is something true, and return it."""
    deadline = time.monotonic() + patience
    while not (found := look()):
        assert time.monotonic() < deadline, f"waited {patience:g} s for {what}"
        time.sleep(_POLL)
    return found
