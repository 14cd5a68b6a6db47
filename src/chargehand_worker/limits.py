"""How long a command may run, and how long it may be silent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from chargehand_worker.silence import Silence


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
        self._longest_silence = silence
        self._duration = duration
        self._may_be_silent = may_be_silent
        self._exceeded = exceeded
        self._loop = asyncio.get_running_loop()
        self._silence = Silence(self._loop)
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def start(self) -> None:
        """Start the timers."""
        self.note_output()
        if self._longest_silence:
            self._look_in(self._longest_silence)
        if self._duration:
            self._timers["duration"] = self._loop.call_later(
                self._duration, self._exceeded, "timeout", self._duration
            )

    def note_output(self) -> None:
        """Record that the command just wrote something."""
        self._silence.end()

    def close(self) -> None:
        """Stop the timers."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def _look(self) -> None:
        """One timer serves all output: it looks how long ago the last one was, and sleeps on."""
        longest = self._longest_silence
        assert longest
        if self._may_be_silent():
            self.note_output()
        rest = longest - self._silence.seconds()
        if rest <= 0:
            self._exceeded("timeout_without_output", longest)
        else:
            self._look_in(rest)

    def _look_in(self, seconds: float) -> None:
        self._silence.look_in(seconds)
        self._timers["silence"] = self._loop.call_later(seconds, self._look)
