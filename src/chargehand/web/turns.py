"""How many requests are worked on at once: the others take turns."""

from __future__ import annotations

import asyncio
from collections.abc import Generator

from chargehand.web.admission import Admission
from chargehand.web.request_progress import Progress

_AT_ONCE = 32
_TURN_SECONDS = 0.25
"""Seconds for which a request counts: one that takes longer waits for its client, or for events."""


class Turn:
    """The turn of a request, which may begin when it is `done`; until then it can be awaited."""

    __slots__ = ("_waiting",)

    def __init__(self, waiting: asyncio.Future[None] | None) -> None:
        self._waiting = waiting

    def done(self) -> bool:
        """Return whether the request may begin."""
        return self._waiting is None or self._waiting.done()

    def set(self) -> None:
        """Let the request begin."""
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    def __await__(self) -> Generator[object, None, None]:
        if self._waiting is not None:
            yield from self._waiting


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
        turn = self.begin_at_once(now)
        if turn is None:
            turn = Turn(self._loop.create_future())
            progress = Progress.WHOLE if is_whole else Progress.BODY
            self._waiting.add(turn, address, progress, now, kind)
            self._look_later()
        return turn

    def begin_at_once(self, now: float) -> Turn | None:
        """Return the turn of a request that need not wait; None if it must."""
        if self._waiting or not self._has_room(now):
            return None
        turn = Turn(None)
        self._running[turn] = now
        return turn

    def arrived(self, turn: Turn, kind: int) -> None:
        """Note that the rest of a request has arrived: it counts as a whole one from now on."""
        if turn in self._waiting:
            self._waiting.advance(turn, Progress.WHOLE, kind)
            self._start_waiting()

    def end(self, turn: Turn) -> None:
        """End a turn, whether it has begun or not."""
        self._running.pop(turn, None)
        if self._waiting:
            self._waiting.remove(turn)
            self._start_waiting()

    def drop(self, turn: Turn) -> None:
        """Let a request that has not begun end: its client has left."""
        if turn in self._waiting:
            self._waiting.remove(turn)
            turn.set()

    def _start(self, turn: Turn, now: float) -> None:
        self._running[turn] = now
        turn.set()

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
