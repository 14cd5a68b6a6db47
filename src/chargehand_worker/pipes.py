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
_MUCH = 256 * 1024
"""Bytes; who has written so many gets a larger pipe."""
_REST_SECONDS = 0.002
"""For how long a large pipe fills before it is read again: who reads after each write makes both
processes take turns."""


class Reader(Protocol):
    """Hands on what can be read from a descriptor until its end."""

    ended: asyncio.Future[None]

    @property
    def is_paused(self) -> bool:
        """Whether it waits for `resume`."""

    @property
    def rests(self) -> bool:
        """Whether it leaves its pipe alone for moments."""

    def pause(self) -> None:
        """Let the pipe fill up, and so the command wait."""

    def resume(self) -> None:
        """Resume reading."""

    def catch_up(self) -> None:
        """Read now what it would read a moment later."""

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
        self._taken = 0
        self._is_large = False
        self._rest: asyncio.TimerHandle | None = None
        self._paused = True
        self.ended: asyncio.Future[None] = self._loop.create_future()
        os.set_blocking(descriptor, False)
        self.resume()

    @property
    def is_paused(self) -> bool:
        """Whether it waits for `resume`."""
        return self._paused and self._descriptor >= 0

    @property
    def rests(self) -> bool:
        """Whether it leaves its pipe alone for moments."""
        return self._is_large

    def pause(self) -> None:
        """Let the pipe fill up, and so the command wait."""
        if not self._paused and self._descriptor >= 0:
            self._stop_reading()
            self._paused = True

    def resume(self) -> None:
        """Resume reading."""
        if self._paused and self._descriptor >= 0:
            self._start_reading()
            self._paused = False

    def catch_up(self) -> None:
        """Read now what it would read a moment later."""
        if not self._is_large or self._paused:
            return
        if self._rest is not None:
            self._rest.cancel()
            self._start_reading()
        while self._read() == READ_SIZE and not self._paused:
            pass

    def close(self) -> None:
        """Stop reading; may be called more than once."""
        if self._descriptor >= 0:
            self.pause()
            os.close(self._descriptor)
            self._descriptor = -1
        if not self.ended.done():
            self.ended.set_result(None)

    def _read(self) -> int:
        """Pass on what is there; return how much it was."""
        try:
            data = os.read(self._descriptor, READ_SIZE)
        except BlockingIOError:
            return 0
        except OSError:  # A terminal whose last user is gone answers EIO.
            data = b""
        if not data:
            self.close()
            return 0
        was_large = self._is_large
        if self._taken < _MUCH:
            self._taken += len(data)
            self._is_large = self._taken >= _MUCH and widen(self._descriptor, _LARGE_PIPE)
        self._receive(data)
        if was_large and len(data) < READ_SIZE and not self._paused:
            self._stop_reading()
            self._rest = self._loop.call_later(_REST_SECONDS, self._start_reading)
        return len(data)

    def _start_reading(self) -> None:
        self._rest = None
        self._loop.add_reader(self._descriptor, self._read)

    def _stop_reading(self) -> None:
        self._loop.remove_reader(self._descriptor)
        if self._rest is not None:
            self._rest.cancel()
            self._rest = None
