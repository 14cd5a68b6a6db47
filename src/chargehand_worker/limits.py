"""How long a command may run, and how long it may be silent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Limits:
    """Calls ``exceeded(reason, seconds)`` when a command is silent or runs for too long."""

    def __init__(
        self,
        *,
        silence: float | None,
        duration: float | None,
        may_be_silent: Callable[[], bool],
        exceeded: Callable[[str, float], None],
    ) -> None:
        self._silence = silence
        self._duration = duration
        self._may_be_silent = may_be_silent
        self._exceeded = exceeded
        self._loop = asyncio.get_running_loop()
        self._last_output = self._loop.time()
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def start(self) -> None:
        """Start the timers."""
        self._last_output = self._loop.time()
        if self._silence:
            self._timers["silence"] = self._loop.call_later(self._silence, self._look)
        if self._duration:
            self._timers["duration"] = self._loop.call_later(
                self._duration, self._exceeded, "timeout", self._duration
            )

    def note_output(self) -> None:
        """Record that the command just wrote something."""
        self._last_output = self._loop.time()

    def close(self) -> None:
        """Stop the timers."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def _look(self) -> None:
        """One timer serves all output: it looks how long ago the last one was, and sleeps on."""
        assert self._silence
        if self._may_be_silent():
            self.note_output()
        rest = self._last_output + self._silence - self._loop.time()
        if rest <= 0:
            self._exceeded("timeout_without_output", self._silence)
        else:
            self._timers["silence"] = self._loop.call_later(rest, self._look)
