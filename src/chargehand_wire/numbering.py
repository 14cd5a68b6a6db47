"""Numbered messages: kept until they are acknowledged, sent again, heard once and in order.

Both directions use the same pair: what a command says goes through an `Outbox` at the worker and an
`Inbox` at the master, what it is fed with the other way.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from chargehand_wire.framing import ProtocolError

WINDOW = 2 * 1024 * 1024
"""Bytes of one command that may be under way before the first of them is acknowledged."""


class Numbered(Protocol):
    """A message with a place in its order."""

    @property
    def number(self) -> int:
        """Counted from 1 for each command and direction."""


N = TypeVar("N", bound=Numbered)


@dataclass(frozen=True)
class RoomAgain:
    """The window of a command opened; more may be sent."""

    command_id: str


class Outbox(Generic[N]):
    """What one side has said and the other has not acknowledged."""

    __slots__ = ("_kept", "_weight", "next_number")

    def __init__(self, position: int = 0) -> None:
        self._kept: deque[tuple[N, int]] = deque()
        self._weight = 0
        self.next_number = position + 1

    @property
    def has_room(self) -> bool:
        """Whether more may be said now; what has no weight always may."""
        return self._weight < WINDOW

    @property
    def is_empty(self) -> bool:
        """Whether all is acknowledged."""
        return not self._kept

    @property
    def acknowledged(self) -> int:
        """The number up to which all is acknowledged."""
        return self._kept[0][0].number - 1 if self._kept else self.next_number - 1

    def add(self, message: N, weight: int = 0) -> None:
        """Keep a message; its number is `next_number`."""
        self.next_number += 1
        self._kept.append((message, weight))
        self._weight += weight

    def acknowledge(self, number: int) -> bool:
        """Forget what is safe; return whether there is room again. Raises ProtocolError."""
        if number >= self.next_number:
            raise ProtocolError(f"number {number} was acknowledged and never sent")
        was_full = not self.has_room
        while self._kept and self._kept[0][0].number <= number:
            self._weight -= self._kept.popleft()[1]
        return was_full and self.has_room

    def __iter__(self) -> Iterator[N]:
        return (message for message, _ in self._kept)


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
