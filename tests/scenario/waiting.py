"""Waiting for what other processes do and nobody announces to us."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


async def until(is_so: Callable[[], bool]) -> None:
    """Look again and again until it is so."""
    async with asyncio.timeout(20):
        while not is_so():
            await asyncio.sleep(0.01)
