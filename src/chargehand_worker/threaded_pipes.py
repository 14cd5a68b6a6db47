"""Pipes of commands where an event loop cannot wait for them: threads read and write."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable

_READ_SIZE = 256 * 1024


class ThreadedPipeReader:
    """Hands on what can be read from a descriptor, which it owns, until its end.

    It does what `chargehand_worker.pipes.PipeReader` does.
    """

    def __init__(self, descriptor: int, receive: Callable[[bytes], None]) -> None:
        self._descriptor = descriptor
        self._receive = receive
        self._loop = asyncio.get_running_loop()
        self._may_read = threading.Event()
        self._may_read.set()
        self._is_closed = False
        self.ended: asyncio.Future[None] = self._loop.create_future()
        threading.Thread(target=self._read, name="pipe", daemon=True).start()

    @property
    def is_paused(self) -> bool:
        """Whether it waits for `resume`."""
        return not self._may_read.is_set() and not self._is_closed

    @property
    def rests(self) -> bool:
        """Whether it leaves its pipe alone for moments: never."""
        return False

    def pause(self) -> None:
        """Let the pipe fill up, and so the command wait."""
        if not self._is_closed:
            self._may_read.clear()

    def resume(self) -> None:
        """Resume reading."""
        self._may_read.set()

    def catch_up(self) -> None:
        """Do nothing: it reads all that comes at once."""

    def close(self) -> None:
        """Stop reading; may be called more than once."""
        self._is_closed = True
        self._may_read.set()
        if not self.ended.done():
            self.ended.set_result(None)

    def _read(self) -> None:
        """Read in a thread of its own, which closes the descriptor: nobody else may meanwhile."""
        try:
            while data := os.read(self._descriptor, _READ_SIZE):
                taken = threading.Event()
                self._loop.call_soon_threadsafe(self._take, data, taken)
                taken.wait()
                self._may_read.wait()
                if self._is_closed:
                    break
        except (OSError, RuntimeError):
            pass  # The other end is gone, or the agent has ended.
        finally:
            os.close(self._descriptor)
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self.close)

    def _take(self, data: bytes, taken: threading.Event) -> None:
        try:
            if not self._is_closed:
                self._receive(data)
        finally:
            taken.set()


class ThreadedFeeder:
    """Writes a text into a pipe as the reader takes it, then closes the pipe."""

    def __init__(self, descriptor: int, data: bytes) -> None:
        self._descriptor = descriptor
        self._rest = memoryview(data)
        threading.Thread(target=self._write, name="standard input", daemon=True).start()

    def close(self) -> None:
        """Drop unwritten input; may be called more than once."""
        self._rest = self._rest[:0]

    def _write(self) -> None:
        try:
            while rest := self._rest:
                size = os.write(self._descriptor, rest[:65536])
                self._rest = self._rest[size:]
        except OSError:
            pass  # The command does not read it.
        finally:
            os.close(self._descriptor)
