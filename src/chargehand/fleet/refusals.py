"""Logins that were refused: each is told once, and again only from time to time."""

from __future__ import annotations

import logging

from chargehand.domain.retry import time_of_day
from chargehand.kit.clock import Clock

_log = logging.getLogger("chargehand.fleet")

_TOLD_EVERY = 600.0
"""Seconds after which the log tells again of a worker that tries on and on."""
_MOST_NAMES = 1000
"""Of how many pairs of name and reason it is remembered when they were told."""
_LONGEST_NAME = 100


class LoginRefused(Exception):
    """A worker may not log in.

    *reason* is for the master's people; *told* is what the worker hears.
    """

    def __init__(self, reason: str, *, told: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.told = told or reason


class RefusalLog:
    """Logs refused logins without being flooded by workers that try again every few seconds."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._told_at: dict[tuple[str, str], float] = {}

    def note(self, name: str, reason: str, address: str) -> str:
        """Log a refused login unless that was done lately; return it in words, with the time."""
        now = self._clock.timestamp()
        name = _shown(name)
        key = (name, reason)
        told_at = self._told_at.pop(key, None)
        if told_at is None or not 0 <= now - told_at < _TOLD_EVERY:
            _log.warning('refused a login as worker "%s" from %s: %s', name, address, reason)
            told_at = now
        self._told_at[key] = told_at
        if len(self._told_at) > _MOST_NAMES:
            del self._told_at[next(iter(self._told_at))]
        return f"login from {address} refused at {time_of_day(now)}: {reason}"


def _shown(name: str) -> str:
    """Return a name that somebody unknown has sent, fit for a line of the log."""
    plain = "".join(letter if letter.isprintable() else "?" for letter in name)
    return plain if len(plain) <= _LONGEST_NAME else f"{plain[:_LONGEST_NAME]}…"
