"""Polling: look again and again, never twice at once, and survive every failure."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from chargehand.kit.guard import Guard

_log = logging.getLogger(__name__)


class PollFailed(Exception):
    """A poll could not look; the message says what is wrong, in a sentence for the operator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When to poll; all in seconds. An interval of 0 polls only when asked to."""

    interval: float = 600.0
    at_launch: bool = False
    random_delay_min: float = 0.0
    random_delay_max: float = 0.0


class PollingLoop:
    """Calls ``poll`` by a schedule, and whenever it is forced.

    A failure is logged once: as long as the same one repeats nothing more is said, and
    when polling works again that is said, too.
    """

    def __init__(
        self,
        *,
        name: str,
        poll: Callable[[], Awaitable[None]],
        schedule: Schedule,
        jitter: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self.name = name
        self._poll = poll
        self._schedule = schedule
        self._jitter = jitter
        self._forced = asyncio.Event()
        self._failures = 0
        self._last_failure = ""

    def force(self) -> None:
        """Poll as soon as possible: now, or when the running poll has ended."""
        self._forced.set()

    async def run(self) -> None:
        """Poll until cancelled."""
        loop = asyncio.get_running_loop()
        due = loop.time() if self._schedule.at_launch else self._after(loop.time())
        while True:
            await self._wait_until(due)
            self._forced.clear()
            await self._poll_guarded()
            due = self._after(due or loop.time())

    def _after(self, time: float) -> float | None:
        """Return when the next poll is due: on the grid, but polls that were missed are skipped."""
        if self._schedule.interval <= 0:
            return None
        return max(time + self._schedule.interval, asyncio.get_running_loop().time())

    async def _wait_until(self, due: float | None) -> None:
        """Wait until that time plus the random delay (None: for ever), or until forced."""
        if due is not None:
            due += self._jitter(self._schedule.random_delay_min, self._schedule.random_delay_max)
        try:
            async with asyncio.timeout_at(due):
                await self._forced.wait()
        except TimeoutError:
            return

    async def _poll_guarded(self) -> None:
        with Guard(self._failed):
            await self._poll()
            self._succeeded()

    def _failed(self, error: Exception) -> None:
        is_expected = isinstance(error, PollFailed)
        sentence = str(error) if is_expected else f"{type(error).__name__}: {error}"
        self._failures += 1
        if sentence != self._last_failure:
            self._last_failure = sentence
            trace = None if is_expected else error
            _log.warning("%s: %s (polling goes on)", self.name, sentence, exc_info=trace)

    def _succeeded(self) -> None:
        if self._failures:
            _log.info("%s: works again, after %d failed polls", self.name, self._failures)
        self._failures = 0
        self._last_failure = ""
