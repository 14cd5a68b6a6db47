"""The polling loop: polls on a schedule, one poll at a time, and survives failures."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from chargehand.domain.source_health import SourceHealth, SourceState
from chargehand.kit.error_text import headline_of, message_of
from chargehand.kit.guard import Guard, described, guarded

_log = logging.getLogger(__name__)


class PollFailed(Exception):
    """A poll failed; the message tells the operator why."""


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """When to poll, in seconds. With an interval of 0 it polls only when forced."""

    interval: float = 600.0
    at_launch: bool = False
    random_delay_min: float = 0.0
    random_delay_max: float = 0.0


Report = Callable[[SourceHealth], Awaitable[None]]
"""Called when the state of a source has changed."""


async def unreported(_health: SourceHealth) -> None:
    """Ignore the report."""


def no_warnings() -> Sequence[str]:
    """Return no warnings."""
    return ()


class PollingLoop:
    """Calls ``poll`` by a schedule, and whenever it is forced.

    ``prepare`` is called once before that; when it returns true, the first poll follows at once.
    A failure is logged once, not again while it repeats; recovery is logged, too. The same holds
    for each of the ``warnings`` after a poll.
    """

    def __init__(
        self,
        *,
        name: str,
        poll: Callable[[], Awaitable[None]],
        schedule: Schedule,
        jitter: Callable[[float, float], float] = random.uniform,
        prepare: Callable[[], Awaitable[bool]] | None = None,
        warnings: Callable[[], Sequence[str]] = no_warnings,
        report: Report = unreported,
    ) -> None:
        self.name = name
        self._ids = {"ids": {"changesource": name}}
        self.is_prepared = asyncio.Event()
        """Set after the first poll, or when none is needed."""
        self._poll = poll
        self._prepare = prepare
        self._warnings = warnings
        self._report = report
        self._reported: SourceHealth | None = None
        self._warned: set[str] = set()
        self._schedule = schedule
        self._jitter = jitter
        self._forced = asyncio.Event()
        self._failures = 0
        self._last_failure = ""
        self._has_worked = False

    def force(self) -> None:
        """Poll now, or after the running poll."""
        self._forced.set()

    async def run(self) -> None:
        """Poll until cancelled."""
        loop = asyncio.get_running_loop()
        is_first_time = await self._prepare_guarded()
        self.is_prepared.set()
        at_once = self._schedule.at_launch or is_first_time
        due = loop.time() if at_once else self._after(loop.time())
        while True:
            await self._wait_until(due)
            self._forced.clear()
            await self._poll_guarded()
            due = self._after(due or loop.time())

    def _after(self, time: float) -> float | None:
        """Return when the next poll is due: a multiple of the interval, skipping missed polls."""
        if self._schedule.interval <= 0:
            return None
        return max(time + self._schedule.interval, asyncio.get_running_loop().time())

    async def _wait_until(self, due: float | None) -> None:
        """Wait until that time plus the random delay (None: indefinitely), or until forced."""
        if due is not None:
            due += self._jitter(self._schedule.random_delay_min, self._schedule.random_delay_max)
        try:
            async with asyncio.timeout_at(due):
                await self._forced.wait()
        except TimeoutError:
            return

    async def _prepare_guarded(self) -> bool:
        if self._prepare is None:
            return False
        is_first_time = False
        with Guard(self._failed):
            is_first_time = await self._prepare()
            if is_first_time:
                self._succeeded()
        await self._report_health()
        return is_first_time

    async def _poll_guarded(self) -> None:
        with Guard(self._failed):
            await self._poll()
            self._succeeded()
        await self._report_health()

    async def _report_health(self) -> None:
        health = self._health()
        if health in (None, self._reported):
            return
        with guarded(_log, "cannot record the state of change source %s", self.name):
            await self._report(health)
            self._reported = health

    def _health(self) -> SourceHealth | None:
        """Return its state; None before the first poll."""
        if self._failures:
            return SourceHealth(state=SourceState.FAILING, sentence=self._last_failure)
        if not self._has_worked:
            return None
        warnings = "; ".join(self._warnings())
        if warnings:
            return SourceHealth(state=SourceState.WARNING, sentence=warnings)
        return SourceHealth(state=SourceState.OK)

    def _failed(self, error: Exception) -> None:
        is_expected = isinstance(error, PollFailed)
        sentence = message_of(error) if is_expected else headline_of(error)
        self._failures += 1
        if sentence != self._last_failure:
            self._last_failure = sentence
            trace = None if is_expected else described(error)
            _log.warning(
                "%s: %s (polling continues)",
                self.name,
                sentence,
                exc_info=trace,
                extra=self._ids,
            )

    def _succeeded(self) -> None:
        self._has_worked = True
        current = set(self._warnings())
        for sentence in sorted(current - self._warned):
            _log.warning("%s: %s", self.name, sentence, extra=self._ids)
        self._warned = current
        if self._failures:
            words = ("%s: polling works again after %d failed polls", self.name, self._failures)
            _log.info(*words, extra=self._ids)
        self._failures = 0
        self._last_failure = ""
