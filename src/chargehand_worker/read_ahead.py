"""Pieces that a thread makes, a little ahead of who uses them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, BinaryIO

from chargehand_worker.files import in_thread

_AHEAD = 2
"""How many pieces wait for who uses them."""

Give = Callable[[bytes], None]
"""Hands over a piece, when there is room; raises Unwanted."""


class Unwanted(Exception):
    """Nobody uses more pieces."""


class ReadAhead:
    """Pieces of what *produce* gives, in a thread of its own; `close` when no more are wanted."""

    def __init__(self, produce: Callable[[Give], None]) -> None:
        self._produce = produce
        self._loop = asyncio.get_running_loop()
        self._ready: asyncio.Queue[bytes] = asyncio.Queue()
        self._room = threading.Semaphore(_AHEAD)
        self._is_over = False
        self._producing = in_thread(self._run)
        self._producing.add_done_callback(lambda _: self._ready.put_nowait(b""))

    async def next(self) -> bytes:
        """Return the next piece, nothing at the end. Raises what *produce* raised."""
        piece = await self._ready.get()
        if not piece and self._producing.done():
            self._producing.result()
        self._room.release()
        return piece

    async def close(self) -> None:
        """Make no more."""
        self._is_over = True
        self._room.release()
        await asyncio.wait([self._producing])
        if not self._producing.cancelled():
            self._producing.exception()  # Who wanted the rest has heard of it.

    def _run(self) -> dict[str, Any]:
        self._produce(self._give)
        return {}

    def _give(self, piece: bytes) -> None:
        self._room.acquire()
        if self._is_over:
            raise Unwanted
        if piece:
            self._loop.call_soon_threadsafe(self._ready.put_nowait, piece)


def pieces_of(file: BinaryIO, size: int) -> Callable[[Give], None]:
    """Return what gives a file's content, *size* bytes at once."""
    return partial(_read, file, size)


def _read(file: BinaryIO, size: int, give: Give) -> None:
    while piece := file.read(size):
        give(piece)
