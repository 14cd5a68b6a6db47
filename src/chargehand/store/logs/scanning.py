"""Going through the text of long logs, a slice at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter

from chargehand.logs.searching import Take

_SLICE_SECONDS = 0.05


class LogScanner:
    """Gives the text of logs to searches, in a thread of its own.

    Readings that are under way at the same time take turns: each gets a slice of the thread's time.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="log-scanner")

    async def scan(
        self, pieces: Iterator[tuple[int, bytes]], take: Take
    ) -> AsyncGenerator[int, None]:
        """Give *take* one piece after the other until it wants no more; yields, after each slice,
        how many lines that were."""
        loop = asyncio.get_running_loop()
        is_over = False
        while not is_over:
            count, is_over = await loop.run_in_executor(self._thread, _slice, pieces, take)
            yield count

    async def close(self) -> None:
        """End the thread."""
        await asyncio.to_thread(self._thread.shutdown)


def _slice(pieces: Iterator[tuple[int, bytes]], take: Take) -> tuple[int, bool]:
    began = perf_counter()
    count = 0
    for first_line, text in pieces:
        wants_more = take(first_line, text)
        count += text.count(b"\n")
        if not wants_more:
            return count, True
        if perf_counter() - began > _SLICE_SECONDS:
            return count, False
    return count, True
