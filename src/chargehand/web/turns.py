"""How many requests are worked on at once: the others take turns."""

from __future__ import annotations

import asyncio

from aiohttp import web

from chargehand.web.admission import Admission
from chargehand.web.request_progress import Progress

_AT_ONCE = 32
_TURN_SECONDS = 0.25
"""Seconds for which a request counts: one that takes longer waits for its client, or for events."""

Turn = asyncio.Future[None]


class Turns:
    """Lets few requests begin at once, so that one from another address does not wait for all."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._running: dict[Turn, float] = {}
        """Their start; the oldest first."""
        self._waiting: Admission[Turn] = Admission()
        self._look: asyncio.TimerHandle | None = None

    @property
    def are_contended(self) -> bool:
        """Whether one more request might have to wait."""
        return bool(self._waiting) or len(self._running) >= _AT_ONCE

    def begin(self, address: str, *, is_whole: bool, kind: int = 0) -> Turn:
        """Return the turn of a request; it may begin when the turn is done."""
        now = self._loop.time()
        turn = self._loop.create_future()
        if not self._waiting and self._has_room(now):
            self._start(turn, now)
        else:
            progress = Progress.WHOLE if is_whole else Progress.BODY
            self._waiting.add(turn, address, progress, now, kind)
            self._look_later()
        return turn

    def arrived(self, turn: Turn, kind: int) -> None:
        """Note that the rest of a request has arrived: it counts as a whole one from now on."""
        if turn in self._waiting:
            self._waiting.advance(turn, Progress.WHOLE, kind)
            self._start_waiting()

    def mark(self, request: web.BaseRequest, turn: Turn) -> None:
        """Let the request's handler end the turn early, with `end_turn`."""
        request[_KEY] = (self, turn)

    def end(self, turn: Turn) -> None:
        """End a turn, whether it has begun or not."""
        self._running.pop(turn, None)
        self._waiting.remove(turn)
        if self._waiting:
            self._start_waiting()

    def drop(self, turn: Turn) -> None:
        """Let a request that has not begun end: its client has left."""
        if turn in self._waiting:
            self._waiting.remove(turn)
            turn.set_result(None)

    def _start(self, turn: Turn, now: float) -> None:
        self._running[turn] = now
        if not turn.done():
            turn.set_result(None)

    def _start_waiting(self) -> None:
        now = self._loop.time()
        while (turn := self._waiting.first(now)) is not None and self._has_room(now):
            self._waiting.take(turn)
            self._start(turn, now)

    def _has_room(self, now: float) -> bool:
        if len(self._running) < _AT_ONCE:
            return True
        oldest = next(iter(self._running))
        if now - self._running[oldest] < _TURN_SECONDS:
            return False
        del self._running[oldest]
        return True

    def _look_later(self) -> None:
        if self._look is None:
            self._look = self._loop.call_later(_TURN_SECONDS, self._look_again)

    def _look_again(self) -> None:
        self._look = None
        self._start_waiting()
        if self._waiting:
            self._look_later()


_KEY = web.RequestKey("turn", tuple[Turns, Turn])


def end_turn(request: web.BaseRequest) -> None:
    """Let others begin: this request only waits from now on, for events."""
    found = request.get(_KEY)
    if found is not None:
        turns, turn = found
        turns.end(turn)
