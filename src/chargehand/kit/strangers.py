"""Connections whose clients have not logged in: few, and not for long."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from typing import Protocol

import msgspec

from chargehand.kit.sparing import SparingLog

_log = logging.getLogger(__name__)

_SECONDS = 30.0
"""Seconds that a client may take to log in."""
_MOST = 200
_CLOSING = "closing a connection from %s to %s: %s"
_SILENT = f"it has sent nothing for {_SECONDS:g} s"
_SLOW = f"it has not logged in within {_SECONDS:g} s"
_MANY = f"more than {_MOST} connections have not logged in, most of them from this address"
_TOLD_EVERY = 600.0
"""Seconds after which the log tells again of a host that tries on and on."""
_MOST_OF_A_HOST = 3
"""How many different things are told of a host in that time."""
_MOST_HOSTS = 1000


class Stranger(Protocol):
    """A connection whose client has not logged in."""

    @property
    def host(self) -> str:
        """Where it comes from."""

    @property
    def address(self) -> str:
        """The same with the port, for people."""

    @property
    def is_silent(self) -> bool:
        """Whether it has sent nothing."""

    def abort(self) -> None:
        """Close the connection."""


class _Told(msgspec.Struct):
    """What the log has told of a host lately."""

    since: float
    reasons: set[str]


class Strangers:
    """Closes connections without a login after a while, or when there are too many.

    Then the oldest gives way of those that have sent nothing, or else of all; of these one of the
    host that has most. So a client that opens many cannot take the descriptors of builds.
    """

    def __init__(self, port: str, *, silence: str = "") -> None:
        """*port* is where they connect, and *silence* what a silent one may be, for people."""
        self._port = port
        self._silence = _SILENT + silence
        self._told: dict[str, _Told] = {}
        """By host; the oldest first."""
        self._loop = asyncio.get_running_loop()
        self._timers: dict[Stranger, asyncio.TimerHandle] = {}
        """The oldest first."""
        self.lines = SparingLog(_log)
        """What is said of them."""

    def __len__(self) -> int:
        return len(self._timers)

    def arrive(self, stranger: Stranger) -> None:
        """Count a new connection."""
        if len(self._timers) >= _MOST:
            self._close(self._to_close(), _MANY)
        self._timers[stranger] = self._loop.call_later(_SECONDS, self._expire, stranger)

    def leave(self, stranger: Stranger) -> None:
        """Forget a connection: its client has logged in, or left."""
        timer = self._timers.pop(stranger, None)
        if timer is not None:
            timer.cancel()

    def _to_close(self) -> Stranger:
        among = [one for one in self._timers if one.is_silent] or list(self._timers)
        ((largest, _),) = Counter(one.host for one in among).most_common(1)
        return next(one for one in among if one.host == largest)

    def tell(self, stranger: Stranger, reason: str) -> None:
        """Log why a connection is closed, unless that was told of its host in the last minutes."""
        now = self._loop.time()
        told = self._told.get(stranger.host)
        if told is None or now - told.since >= _TOLD_EVERY:
            self._told.pop(stranger.host, None)
            told = self._told[stranger.host] = _Told(now, set())
            if len(self._told) > _MOST_HOSTS:
                del self._told[next(iter(self._told))]
        if reason in told.reasons or len(told.reasons) >= _MOST_OF_A_HOST:
            return
        if self.lines.write(logging.INFO, _CLOSING, stranger.address, self._port, reason):
            told.reasons.add(reason)

    def _expire(self, stranger: Stranger) -> None:
        self._close(stranger, self._silence if stranger.is_silent else _SLOW)

    def _close(self, stranger: Stranger, reason: str) -> None:
        self.tell(stranger, reason)
        self.leave(stranger)
        stranger.abort()
