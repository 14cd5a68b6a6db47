"""The worker's side of the native protocol: keeps each update until the master has it safely."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any, assert_never

import msgspec

from chargehand_wire.framing import FrameReader, ProtocolError, frame
from chargehand_wire.messages import (
    PROTOCOL_VERSION,
    Ack,
    Complete,
    FromMaster,
    Hello,
    Interrupt,
    Message,
    Ping,
    Pong,
    Prepare,
    Prepared,
    Segment,
    Shutdown,
    StartCommand,
    Update,
    Value,
    Welcome,
)

WINDOW = 8
"""Segments of one command that may be under way before the master has acknowledged the first."""

_decoder: msgspec.msgpack.Decoder[FromMaster] = msgspec.msgpack.Decoder(FromMaster)


@dataclass(frozen=True, slots=True)
class RoomAgain:
    """The window of a command opened; it may send more."""

    command_id: str


@dataclass(frozen=True, slots=True)
class Abandoned:
    """The master does not want the command any more: kill it, nobody waits for its end."""

    command_id: str


WorkerEvent = StartCommand | Interrupt | Prepare | Shutdown | RoomAgain | Abandoned


@dataclass(slots=True)
class _Outbox:
    """One command's updates that the master has not acknowledged."""

    next_number: int = 1
    unacknowledged: deque[Update] = field(default_factory=deque)
    segments: int = 0
    complete: bool = False

    def add(self, update: Update) -> None:
        self.next_number += 1
        self.unacknowledged.append(update)
        self.segments += isinstance(update, Segment)

    def forget_up_to(self, number: int) -> None:
        while self.unacknowledged and self.unacknowledged[0].number <= number:
            self.segments -= isinstance(self.unacknowledged.popleft(), Segment)


class WorkerSide:
    """Bytes in, events out; updates in, bytes out. Knows no sockets, so that it survives them."""

    def __init__(self, *, name: str, incarnation: str, info: dict[str, Any]) -> None:
        self._name = name
        self._incarnation = incarnation
        self._info = info
        self._outboxes: dict[str, _Outbox] = {}
        self._reader = FrameReader[FromMaster](_decoder)
        self._outgoing: list[bytes] = []
        self._welcomed = False

    def connect(self) -> None:
        """Begin on a new connection: whatever the old one left half-way is forgotten."""
        self._reader = FrameReader[FromMaster](_decoder)
        self._outgoing.clear()
        self._welcomed = False
        commands = tuple(self._outboxes)
        self._send(Hello(PROTOCOL_VERSION, self._name, self._incarnation, self._info, commands))

    def receive(self, data: bytes) -> list[WorkerEvent]:
        """Take bytes from the master; return what they mean. Raises ProtocolError."""
        events: list[WorkerEvent] = []
        for message in self._reader.feed(data):
            self._handle(message, events)
        return events

    def take(self) -> bytes:
        """Return what is to be sent now."""
        data = b"".join(self._outgoing)
        self._outgoing.clear()
        return data

    def has_room(self, command_id: str) -> bool:
        """Return whether the command may send another segment."""
        outbox = self._outboxes.get(command_id)
        return outbox is None or outbox.segments < WINDOW

    def output(self, command_id: str, log: str, data: bytes, line_count: int, size: int) -> None:
        """Send whole lines of a log."""
        if outbox := self._outboxes.get(command_id):
            number = outbox.next_number
            self._update(outbox, Segment(command_id, number, log, data, line_count, size))

    def value(self, command_id: str, key: str, value: Any) -> None:
        """Send a value."""
        if outbox := self._outboxes.get(command_id):
            self._update(outbox, Value(command_id, outbox.next_number, key, value))

    def complete(self, command_id: str, error: str | None = None) -> None:
        """Say that the command has ended."""
        if outbox := self._outboxes.get(command_id):
            outbox.complete = True
            self._update(outbox, Complete(command_id, outbox.next_number, error))

    def prepared(self, number: int, error: str | None) -> None:
        """Answer a Prepare."""
        self._send(Prepared(number, error))

    def _update(self, outbox: _Outbox, update: Update) -> None:
        outbox.add(update)
        if self._welcomed:
            self._send(update)

    def _send(self, message: Message) -> None:
        self._outgoing.append(frame(message))

    def _handle(self, message: FromMaster, events: list[WorkerEvent]) -> None:
        if not self._welcomed and not isinstance(message, Welcome):
            raise ProtocolError(f"expected Welcome, not {type(message).__name__}")
        match message:
            case Welcome():
                self._resume(message, events)
            case StartCommand():
                if message.command_id not in self._outboxes:
                    self._outboxes[message.command_id] = _Outbox()
                    events.append(message)
            case Ack():
                self._acknowledged(message.command_id, message.number, events)
            case Interrupt() | Prepare() | Shutdown():
                events.append(message)
            case Ping():
                self._send(Pong(message.number))
            case Pong():
                pass
            case _:
                assert_never(message)

    def _resume(self, welcome: Welcome, events: list[WorkerEvent]) -> None:
        if welcome.protocol != PROTOCOL_VERSION:
            raise ProtocolError(f"the master speaks version {welcome.protocol}")
        self._welcomed = True
        for command_id, outbox in list(self._outboxes.items()):
            if command_id not in welcome.positions:
                del self._outboxes[command_id]
                if not outbox.complete:
                    events.append(Abandoned(command_id))
                continue
            self._acknowledged(command_id, welcome.positions[command_id], events)
            for update in outbox.unacknowledged:
                self._send(update)

    def _acknowledged(self, command_id: str, number: int, events: list[WorkerEvent]) -> None:
        outbox = self._outboxes.get(command_id)
        if outbox is None:
            return
        if number >= outbox.next_number:
            raise ProtocolError(f"update {number} of command {command_id} was never sent")
        was_full = outbox.segments >= WINDOW
        outbox.forget_up_to(number)
        if outbox.complete and not outbox.unacknowledged:
            del self._outboxes[command_id]
        elif was_full and outbox.segments < WINDOW:
            events.append(RoomAgain(command_id))
