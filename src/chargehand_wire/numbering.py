"""Numbered messages: kept until they are acknowledged, sent again, heard once and in order.

Both directions use the same pair: what a command says goes through an `Outbox` at the worker and an
`Inbox` at the master, what it is fed with the other way.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from chargehand_wire.framing import Bytes, ProtocolError

WINDOW = 4 * 1024 * 1024
"""Bytes of one command that may be under way before the first of them is acknowledged."""


Place = tuple[int, int]
"""Where a spool has a frame."""


class Spool(Protocol):
    """Keeps frames outside of memory, while there is nobody to send them to."""

    @property
    def has_room(self) -> bool:
        """Whether it takes more."""

    def put(self, frame: Bytes) -> Place | None:
        """Keep a frame; None if that is not possible."""

    def get(self, place: Place) -> bytes:
        """Return a frame. Raises OSError."""

    def release(self, place: Place) -> None:
        """Forget a frame."""


class _Kept(NamedTuple):
    """A message that is not acknowledged: its frame, or where that is."""

    weight: int
    frame: Bytes
    place: Place | None


@dataclass(frozen=True)
class RoomAgain:
    """The window of a command opened; more may be sent."""

    command_id: str


class Outbox:
    """What one side has said and the other has not acknowledged, as frames.

    It sends as much as `WINDOW` and the rest as acknowledgements come. What is more than that to
    keep goes to a *spool*, where there is one.
    """

    __slots__ = ("_in_flight", "_sent", "_spool", "_waiting", "_weight", "next_number")

    def __init__(self, position: int = 0, spool: Spool | None = None) -> None:
        self._sent: deque[_Kept] = deque()
        self._waiting: deque[_Kept] = deque()
        self._in_flight = 0
        self._weight = 0
        self._spool = spool
        self.next_number = position + 1

    @property
    def has_room(self) -> bool:
        """Whether more may be said now; what has no weight always may."""
        return self._weight < WINDOW

    @property
    def is_empty(self) -> bool:
        """Whether all is acknowledged."""
        return not self._sent and not self._waiting

    @property
    def acknowledged(self) -> int:
        """The number up to which all is acknowledged."""
        return self.next_number - 1 - len(self._sent) - len(self._waiting)

    def add(self, frame: Bytes, weight: int = 0) -> None:
        """Keep a message; its number is `next_number`."""
        self.next_number += 1
        place = None
        if self._spool is not None and not self.has_room:
            place = self._spool.put(frame)
        self._waiting.append(_Kept(weight, frame if place is None else b"", place))
        self._weight += weight

    def due(self) -> Iterator[Bytes]:
        """Yield what is to be sent now."""
        while self._waiting and self._in_flight < WINDOW:
            kept = self._waiting.popleft()
            self._sent.append(kept)
            self._in_flight += kept.weight
            if self._spool is not None and kept.place is not None:
                yield self._spool.get(kept.place)
            else:
                yield kept.frame

    def send_again(self) -> None:
        """Forget that anything was sent: the connection is another one."""
        self._waiting.extendleft(reversed(self._sent))
        self._sent.clear()
        self._in_flight = 0

    def acknowledge(self, number: int) -> bool:
        """Forget what is safe; return whether there is room again. Raises ProtocolError."""
        if number >= self.next_number:
            raise ProtocolError(f"number {number} was acknowledged and never sent")
        had_room = self.has_room
        for _ in range(number - self.acknowledged):
            self._forget_first()
        return self.has_room and not had_room

    def clear(self) -> None:
        """Forget everything: nobody wants it any more."""
        while not self.is_empty:
            self._forget_first()

    def _forget_first(self) -> None:
        if self._sent:
            kept = self._sent.popleft()
            self._in_flight -= kept.weight
        else:
            kept = self._waiting.popleft()
        self._weight -= kept.weight
        if self._spool is not None and kept.place is not None:
            self._spool.release(kept.place)


class Inbox:
    """Which of the other side's messages have been heard, and are safe."""

    __slots__ = ("acknowledged", "received")

    def __init__(self, position: int = 0) -> None:
        self.received = position
        self.acknowledged = position

    @property
    def is_settled(self) -> bool:
        """Whether all that was heard is safe."""
        return self.acknowledged >= self.received

    def accept(self, number: int) -> bool:
        """Return whether a message is news. Raises ProtocolError when one before it is missing."""
        if number <= self.received:
            return False
        if number != self.received + 1:
            raise ProtocolError(f"number {number} came after {self.received}")
        self.received = number
        return True

    def acknowledge(self, number: int) -> bool:
        """Note what is safe; return whether the other side does not know yet."""
        if number <= self.acknowledged:
            return False
        self.acknowledged = number
        return True
