"""A conversation written down as it happens: what one side receives, and what it sends then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

from chargehand_wire.framing import FrameReader, frame
from chargehand_wire.master_side import MasterSide
from chargehand_wire.messages import FromMaster, FromWorker, Message
from chargehand_wire.worker_side import WorkerSide

S = TypeVar("S", MasterSide, WorkerSide)


@dataclass(frozen=True)
class Receives:
    """The other side says this, and it means these events."""

    message: Message
    meaning: tuple[object, ...]


@dataclass(frozen=True)
class Does(Generic[S]):
    """The owner of the side asks something of it."""

    order: Callable[[S], object]


@dataclass(frozen=True)
class Sends:
    """The side says this next."""

    message: Message


def receive(message: Message, *meaning: object) -> Receives:
    """Let a message arrive; what is given besides is what the side must make of it."""
    return Receives(message, meaning)


def do(order: Callable[[S], object]) -> Does[S]:
    """Ask something of the side."""
    return Does(order)


def send(message: Message) -> Sends:
    """Expect a message, before anything else is said."""
    return Sends(message)


class Playbook(Generic[S]):
    """``Playbook(side) >> receive(...) << send(...)``: it plays as it is read, and checks."""

    def __init__(self, side: S) -> None:
        self._side = side
        self._said: list[Message] = []
        decoder: msgspec.msgpack.Decoder[FromMaster] | msgspec.msgpack.Decoder[FromWorker]
        if isinstance(side, MasterSide):
            decoder = msgspec.msgpack.Decoder(FromMaster)
        else:
            decoder = msgspec.msgpack.Decoder(FromWorker)
        self._reader: FrameReader[Message] = FrameReader(decoder)  # type: ignore[arg-type] # a union

    def __rshift__(self, happens: Receives | Does[S]) -> Playbook[S]:
        assert not self._said, f"it said also {self._said}"
        match happens:
            case Receives(message, meaning):
                assert tuple(self._side.receive(frame(message))) == meaning
            case Does(order):
                order(self._side)
        self._said += self._reader.feed(self._side.take())
        return self

    def __lshift__(self, expected: Sends) -> Playbook[S]:
        assert self._said, f"it said nothing, not {expected.message}"
        assert self._said.pop(0) == expected.message
        return self

    def ends(self) -> None:
        """Nothing more is said."""
        assert not self._said, f"it said also {self._said}"
