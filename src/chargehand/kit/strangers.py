"""Connections whose clients have not logged in: few, and not for long."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from typing import Protocol

from chargehand.kit.sparing import SparingLog

_log = logging.getLogger(__name__)

_SECONDS = 30.0
"""Seconds that a client may take to log in."""
_MOST = 200


class Stranger(Protocol):
    """A connection whose client has not logged in."""

    @property
    def host(self) -> str:
        """Where it comes from."""

    @property
    def is_silent(self) -> bool:
        """Whether it has sent nothing."""

    def abort(self) -> None:
        """Close the connection."""


class Strangers:
    """Closes connections without a login after a while, or when there are too many.

    Then the oldest gives way of those that have sent nothing, or else of all; of these one of the
    host that has most. So a client that opens many cannot take the descriptors of builds.
    """

    def __init__(self) -> None:
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
            self._close(self._to_close())
        self._timers[stranger] = self._loop.call_later(_SECONDS, self._close, stranger)

    def leave(self, stranger: Stranger) -> None:
        """Forget a connection: its client has logged in, or left."""
        timer = self._timers.pop(stranger, None)
        if timer is not None:
            timer.cancel()

    def _to_close(self) -> Stranger:
        among = [one for one in self._timers if one.is_silent] or list(self._timers)
        ((largest, _),) = Counter(one.host for one in among).most_common(1)
        return next(one for one in among if one.host == largest)

    def _close(self, stranger: Stranger) -> None:
        self.leave(stranger)
        stranger.abort()
