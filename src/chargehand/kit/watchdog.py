"""Reports code that blocks the event loop, which cannot be interrupted."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import time
import traceback

from chargehand.kit.frames import strip_plumbing

_log = logging.getLogger(__name__)

_HANDLES = asyncio.events.__file__
"""Files in which the loop runs callbacks."""

BLOCKED_SECONDS = 5.0
"""Seconds of blocking after which the running code is reported."""


class Watchdog:
    """A thread that logs the stack of the loop's thread while the loop is blocked."""

    def __init__(self, *, patience: float = BLOCKED_SECONDS) -> None:
        self._patience = patience
        self._interval = patience / 5
        self._beat = time.monotonic()
        self._ended = threading.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._loop_thread = 0

    def start(self) -> None:
        """Watch the running loop."""
        self._loop_thread = threading.get_ident()
        self._turn()
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def stop(self) -> None:
        """Stop watching."""
        self._ended.set()
        if self._timer is not None:
            self._timer.cancel()

    def _turn(self) -> None:
        self._beat = time.monotonic()
        self._timer = asyncio.get_running_loop().call_later(self._interval, self._turn)

    def _watch(self) -> None:
        named: float | None = None
        looked = time.monotonic()
        while not self._ended.wait(self._interval):
            now, before, looked = time.monotonic(), looked, time.monotonic()
            if now - before > 2 * self._interval + 1.0:
                continue  # The whole process was suspended.
            if named is not None and named != self._beat:
                _log.warning(
                    "the master is responsive again; it was blocked for %.0f s", now - named
                )
                named = None
            if named is None and now - self._beat > self._patience:
                named = self._beat
                self._name(now - named)

    def _name(self, seconds: float) -> None:
        frame = sys._current_frames().get(self._loop_thread)
        stack = traceback.extract_stack(frame)
        handles = [number for number, frame in enumerate(stack) if frame.filename == _HANDLES]
        del stack[: handles[-1] + 1 if handles else 0]
        strip_plumbing(stack)
        _log.error(
            "this code has blocked the master for %.0f s, and nothing else can run; "
            "run it in a thread (deferToThread, asyncio.to_thread):\n%s",
            seconds,
            "".join(stack.format()).rstrip(),
        )
