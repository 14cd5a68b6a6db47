"""Reading a file in a thread, a little ahead of who uses it."""

from __future__ import annotations

import asyncio
import threading
from typing import Any, BinaryIO

from chargehand_worker.files import in_thread

_AHEAD = 2
"""How many pieces wait for who uses them."""


class ReadAhead:
    """Pieces of a file, which a thread of its own reads; `close` before the file is closed."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._size = size
        self._loop = asyncio.get_running_loop()
        self._read: asyncio.Queue[bytes] = asyncio.Queue()
        self._wanted = threading.Semaphore(_AHEAD)
        self._is_over = False
        self._reading = in_thread(self._run)
        self._reading.add_done_callback(lambda _: self._read.put_nowait(b""))

    async def next(self) -> bytes:
        """Return the next piece, nothing at the end. Raises OSError."""
        piece = await self._read.get()
        if not piece and self._reading.done():
            self._reading.result()
        self._wanted.release()
        return piece

    async def close(self) -> None:
        """Read no more."""
        self._is_over = True
        self._wanted.release()
        await asyncio.wait([self._reading])
        if not self._reading.cancelled():
            self._reading.exception()  # Who wanted the rest has heard of it.

    def _run(self) -> dict[str, Any]:
        while True:
            self._wanted.acquire()
            if self._is_over:
                return {}
            piece = self._file.read(self._size)
            if not piece:
                return {}
            self._loop.call_soon_threadsafe(self._read.put_nowait, piece)
