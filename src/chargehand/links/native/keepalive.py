"""Finds out whether a worker is still there, although nothing comes from it."""

from __future__ import annotations

import asyncio
import logging

from chargehand.domain.session import SessionState
from chargehand.links.native.session import NativeSession

_log = logging.getLogger(__name__)

LONGEST_INTERVAL = 10.0
"""Seconds; workers whose connection is half open are found within three times as many."""
_UNANSWERED_AT_MOST = 2


class Keepalive:
    """Asks a session's worker for a sign of life again and again, until the session is lost."""

    def __init__(self, session: NativeSession, *, seconds: float) -> None:
        self._session = session
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._loop.call_later(seconds, self._look)

    def _look(self) -> None:
        session = self._session
        if session.state is SessionState.LOST:
            return
        if session.state is SessionState.CONNECTED:
            if session.unanswered >= _UNANSWERED_AT_MOST:
                _log.warning(
                    "worker %s at %s has been silent for %g s; closing its connection",
                    session.worker_name,
                    session.address,
                    self._seconds * (_UNANSWERED_AT_MOST + 1),
                )
                session.cut()
            else:
                session.ping()
        self._loop.call_later(self._seconds, self._look)
