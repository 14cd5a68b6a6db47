"""Reading what a command writes, only as fast as it can be passed on."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from typing import Protocol

from chargehand_worker.copying import widen
from chargehand_worker.threaded_pipes import ThreadedPipeReader

READ_SIZE = 256 * 1024
_LARGE_PIPE = 1024 * 1024
_USUAL_PIPE = 65536


class Reader(Protocol):
    """Hands on what can be read from a descriptor until its end."""

    ended: asyncio.Future[None]

    @property
    def is_paused(self) -> bool:
        """Whether it waits for `resume`."""

    def pause(self) -> None:
        """Let the pipe fill up, and so the command wait."""

    def resume(self) -> None:
        """Resume reading."""

    def close(self) -> None:
        """Stop reading; may be called more than once."""


def pipe_reader(descriptor: int, receive: Callable[[bytes], None]) -> Reader:
    """Return what reads from a descriptor, and closes it in the end."""
    if sys.platform == "win32":  # Its event loops do not wait for pipes.
        return ThreadedPipeReader(descriptor, receive)
    return PipeReader(descriptor, receive)


class PipeReader:
    """Hands on what can be read from a descriptor, which it owns, until its end."""

    def __init__(self, descriptor: int, receive: Callable[[bytes], None]) -> None:
        self._descriptor = descriptor
        self._receive = receive
        self._loop = asyncio.get_running_loop()
        self._enlarged = False
        self._paused = True
        self.ended: asyncio.Future[None] = self._loop.create_future()
        os.set_blocking(descriptor, False)
        self.resume()

    @property
    def is_paused(self) -> bool:
        """Whether it waits for `resume`."""
        return self._paused and self._descriptor >= 0

    def pause(self) -> None:
        """Let the pipe fill up, and so the command wait."""
        if not self._paused and self._descriptor >= 0:
            self._loop.remove_reader(self._descriptor)
            self._paused = True

    def resume(self) -> None:
        """Resume reading."""
        if self._paused and self._descriptor >= 0:
            self._loop.add_reader(self._descriptor, self._read)
            self._paused = False

    def close(self) -> None:
        """Stop reading; may be called more than once."""
        if self._descriptor >= 0:
            self.pause()
            os.close(self._descriptor)
            self._descriptor = -1
        if not self.ended.done():
            self.ended.set_result(None)

    def _read(self) -> None:
        try:
            data = os.read(self._descriptor, READ_SIZE)
        except BlockingIOError:
            return
        except OSError:  # A terminal whose last user is gone answers EIO.
            data = b""
        if not data:
            self.close()
            return
        if len(data) >= _USUAL_PIPE and not self._enlarged:
            self._enlarge()
        self._receive(data)

    def _enlarge(self) -> None:
        """Give a command that writes much a larger pipe: fewer turns between it and us."""
        self._enlarged = True
        widen(self._descriptor, _LARGE_PIPE)
