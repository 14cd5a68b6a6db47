"""Feeding a command's standard input without waiting for it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from typing import Protocol

from chargehand_worker.threaded_pipes import ThreadedFeeder


class Feeder(Protocol):
    """Writes a text into a pipe as the reader takes it, then closes the pipe."""

    def close(self) -> None:
        """Drop unwritten input; may be called more than once."""


def feeder(descriptor: int, data: bytes) -> Feeder:
    """Begin to write *data* into a pipe, which is closed in the end."""
    if sys.platform == "win32":
        return ThreadedFeeder(descriptor, data)
    return StdinFeeder(descriptor, data)


class StdinFeeder:
    """Writes a text into a pipe as the reader takes it, then closes the pipe."""

    def __init__(self, descriptor: int, data: bytes) -> None:
        self._descriptor = descriptor
        self._rest = memoryview(data)
        os.set_blocking(descriptor, False)
        asyncio.get_running_loop().add_writer(descriptor, self._write)

    def close(self) -> None:
        """Drop unwritten input; may be called more than once."""
        if self._descriptor >= 0:
            asyncio.get_running_loop().remove_writer(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = -1

    def _write(self) -> None:
        with contextlib.suppress(BlockingIOError):
            try:
                self._rest = self._rest[os.write(self._descriptor, self._rest) :]
            except BrokenPipeError:
                self._rest = self._rest[:0]
            if not self._rest:
                self.close()
