"""Refused logins: each is reported once, and repeats only from time to time."""

from __future__ import annotations

import logging

from chargehand.domain.refused_login import RefusedLogin
from chargehand.domain.retry import time_of_day
from chargehand.kit.clock import Clock
from chargehand.kit.sparing import SparingLog

_log = logging.getLogger("chargehand.fleet")

_REFUSED = 'refused a login as worker "%s" from %s: %s'
_TOLD_EVERY = 600.0
"""Seconds after which the log tells again of a worker that tries on and on."""
_MOST_NAMES = 1000
"""Of how many pairs of name and reason it is remembered when they were told."""
_LONGEST_NAME = 100
_MOST_SHOWN = 50
"""How many different refused logins are shown."""


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
        self._lines = SparingLog(_log)
        self._told_at: dict[tuple[str, str], float] = {}
        self._latest: dict[tuple[str, str, str], RefusedLogin] = {}
        """By name, reason and host; the oldest first."""

    @property
    def latest(self) -> list[RefusedLogin]:
        """The logins that were refused last, the newest first."""
        return [*reversed(self._latest.values())]

    def note(self, name: str, reason: str, address: str) -> str:
        """Log a refused login unless that was done lately; return it in words, with the time."""
        now = self._clock.timestamp()
        name = _shown(name)
        key = (name, reason)
        told_at = self._told_at.pop(key, None)
        is_due = told_at is None or not 0 <= now - told_at < _TOLD_EVERY
        if is_due and self._lines.write(logging.WARNING, _REFUSED, name, address, reason):
            told_at = now
        if told_at is not None:
            self._told_at[key] = told_at
        if len(self._told_at) > _MOST_NAMES:
            del self._told_at[next(iter(self._told_at))]
        count = self._keep(name, reason, address, now)
        times = f" ({count} times)" if count > 1 else ""
        return f"login from {address} refused at {time_of_day(now)}: {reason}{times}"

    def _keep(self, name: str, reason: str, address: str, now: float) -> int:
        """Return how often it was refused."""
        key = (name, reason, address.rpartition(":")[0])
        former = self._latest.pop(key, None)
        count = 1 if former is None else former.count + 1
        self._latest[key] = RefusedLogin(
            name=name,
            address=address,
            reason=reason,
            refused_at=now,
            count=count,
        )
        if len(self._latest) > _MOST_SHOWN:
            del self._latest[next(iter(self._latest))]
        return count


def _shown(name: str) -> str:
    """Return a name that somebody unknown has sent, fit for a line of the log."""
    plain = "".join(letter if letter.isprintable() else "?" for letter in name)
    return plain if len(plain) <= _LONGEST_NAME else f"{plain[:_LONGEST_NAME]}…"
