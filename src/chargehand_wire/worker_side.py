"""The worker's side of the native protocol: keeps each update until the master has it safely."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Union

from chargehand_wire.codec import Decoder, replace
from chargehand_wire.exhaustive import never
from chargehand_wire.framing import (
    Bytes,
    FrameReader,
    ProtocolError,
    frame,
    frame_with,
    parcels,
)
from chargehand_wire.messages import (
    PROTOCOL_VERSION,
    Ack,
    Complete,
    Directories,
    FromMaster,
    Goodbye,
    Hello,
    Input,
    InputAck,
    Interrupt,
    Kept,
    Message,
    Ping,
    Pong,
    Prepare,
    Prepared,
    Segment,
    Shutdown,
    StartCommand,
    StopRequest,
    Update,
    Value,
    Welcome,
)
from chargehand_wire.numbering import Inbox, Outbox, RoomAgain, Spool
from chargehand_wire.values import from_extension, reason

_decoder: Decoder[FromMaster] = Decoder(FromMaster, ext_hook=from_extension)


@dataclass(frozen=True)
class Abandoned:
    """The master has dropped the command: kill it; nobody waits for it to end."""

    command_id: str


WorkerEvent = Union[
    StartCommand, Interrupt, Input, Prepare, Shutdown, RoomAgain, Abandoned, Directories
]


class _Command:
    """A command that the master ordered, until the master has all that it said."""

    __slots__ = ("inbox", "is_complete", "order", "outbox")

    def __init__(self, order: StartCommand, spool: Spool | None) -> None:
        self.order = replace(order, arguments={})
        self.outbox = Outbox(spool=spool)
        self.inbox = Inbox()
        self.is_complete = False

    def kept(self) -> Kept:
        order = self.order
        heard, acknowledged = self.inbox.received, self.outbox.acknowledged
        return Kept(order.command_id, acknowledged, heard, order.origin, order.routes)


class WorkerSide:
    """Bytes in, events out; updates in, bytes out. Knows no sockets, so that it survives them."""

    def __init__(
        self,
        *,
        name: str,
        incarnation: str,
        info: dict[str, object],
        spool: Spool | None = None,
    ) -> None:
        self._spool = spool
        self._name = name
        self._incarnation = incarnation
        self._info = info
        self._commands: dict[str, _Command] = {}
        self._reader: FrameReader[FromMaster] = FrameReader(_decoder)
        self._outgoing: list[Bytes] = []
        self._welcomed = False

    @property
    def is_idle(self) -> bool:
        """Whether no command runs, or has said what the master does not have yet."""
        return not self._commands

    def connect(self) -> None:
        """Begin on a new connection: whatever the old one left half-way is forgotten."""
        self._reader = FrameReader(_decoder)
        self._outgoing.clear()
        self._welcomed = False
        commands = tuple(command.kept() for command in self._commands.values())
        self._send(Hello(PROTOCOL_VERSION, self._name, self._incarnation, self._info, commands))

    def disconnect(self) -> list[WorkerEvent]:
        """The connection is gone: what must not be lost is kept, the rest forgotten.

        Returns RoomAgain for the commands that may go on, because there is a spool now.
        """
        self._outgoing.clear()
        self._welcomed = False
        if self._spool is None or not self._spool.has_room:
            return []
        return [
            RoomAgain(command_id)
            for command_id, command in self._commands.items()
            if not command.outbox.has_room
        ]

    def receive(self, data: bytes) -> list[WorkerEvent]:
        """Take bytes from the master; return what they mean. Raises ProtocolError."""
        return self._handled(self._reader.feed(data))

    def room(self) -> memoryview:
        """Return where to put what the master says next; `came` takes it."""
        return self._reader.room()

    def came(self, count: int) -> list[WorkerEvent]:
        """Take so many bytes that were put into the `room`. Raises ProtocolError."""
        return self._handled(self._reader.came(count))

    def take(self) -> bytes:
        """Return the frames to send now."""
        return b"".join(self.take_parcels())

    def take_parcels(self) -> list[Bytes]:
        """Return what is to be sent now, in pieces as they are best written."""
        frames, self._outgoing = self._outgoing, []
        return parcels(frames) if frames else []

    def has_room(self, command_id: str) -> bool:
        """Return whether the command may send another segment."""
        command = self._commands.get(command_id)
        if command is None or command.outbox.has_room:
            return True
        return not self._welcomed and self._spool is not None and self._spool.has_room

    def output(self, command_id: str, log: str, data: bytes, line_count: int, size: int) -> None:
        """Send whole lines of a log. Raises Unsendable."""
        if command := self._commands.get(command_id):
            number = command.outbox.next_number
            self._update(command, Segment(command_id, number, log, data, line_count, size), size)

    def value(self, command_id: str, key: str, value: object) -> None:
        """Send a value. Raises Unsendable, and then nothing was said."""
        if command := self._commands.get(command_id):
            weight = len(value) if isinstance(value, bytes) else 0
            self._update(command, Value(command_id, command.outbox.next_number, key, value), weight)

    def complete(self, command_id: str, error: str | None = None) -> None:
        """Say that the command has ended."""
        if command := self._commands.get(command_id):
            command.is_complete = True
            why = None if error is None else reason(error)
            self._update(command, Complete(command_id, command.outbox.next_number, why))

    def consumed(self, command_id: str, number: int) -> None:
        """Say that a command's input up to this number is used up."""
        command = self._commands.get(command_id)
        if command is not None and command.inbox.acknowledge(number) and self._welcomed:
            self._send(InputAck(command_id, number))

    def prepared(self, number: int, error: str | None) -> None:
        """Answer a Prepare; a master that did not hear it asks again."""
        if self._welcomed:
            self._send(Prepared(number, None if error is None else reason(error)))

    def request_stop(self) -> None:
        """Ask the master for a graceful shutdown; without effect while it is not connected."""
        if self._welcomed:
            self._send(StopRequest())

    def leave(self) -> bool:
        """Say goodbye; return whether there was anybody to say it to."""
        if self._welcomed:
            self._send(Goodbye())
        return self._welcomed

    def _update(self, command: _Command, update: Update, weight: int = 0) -> None:
        data = _framed(update)  # Before it is counted: what cannot be sent was never said.
        command.outbox.add(data, weight)
        if self._welcomed:
            self._outgoing.extend(command.outbox.due())

    def _send(self, message: Message) -> None:
        self._outgoing.append(_framed(message))

    def _handled(self, messages: Iterable[FromMaster]) -> list[WorkerEvent]:
        events: list[WorkerEvent] = []
        for message in messages:
            self._handle(message, events)
        return events

    def _handle(self, message: FromMaster, events: list[WorkerEvent]) -> None:
        if not self._welcomed and not isinstance(message, Welcome):
            raise ProtocolError(f"expected Welcome, not {type(message).__name__}")
        if isinstance(message, Ack):
            self._acknowledged(message.command_id, message.number, events)
        elif isinstance(message, StartCommand):
            if message.command_id not in self._commands:
                self._commands[message.command_id] = _Command(message, self._spool)
                events.append(message)
        elif isinstance(message, Input):
            command = self._commands.get(message.command_id)
            if command is not None and command.inbox.accept(message.number):
                events.append(message)
        elif isinstance(message, (Interrupt, Prepare, Shutdown, Directories)):
            events.append(message)
        elif isinstance(message, Welcome):
            self._resume(message, events)
        elif isinstance(message, Ping):
            self._send(Pong(message.number))
        elif not isinstance(message, Pong):
            never(message)

    def _resume(self, welcome: Welcome, events: list[WorkerEvent]) -> None:
        if welcome.protocol != PROTOCOL_VERSION:
            raise ProtocolError(f"the master speaks version {welcome.protocol}")
        self._welcomed = True
        for command_id, command in list(self._commands.items()):
            if command_id not in welcome.positions:
                del self._commands[command_id]
                command.outbox.clear()
                if not command.is_complete:
                    events.append(Abandoned(command_id))
                continue
            command.outbox.send_again()
            self._acknowledged(command_id, welcome.positions[command_id], events)
            if command.inbox.acknowledged:
                self._send(InputAck(command_id, command.inbox.acknowledged))
            self._outgoing.extend(command.outbox.due())

    def _acknowledged(self, command_id: str, number: int, events: list[WorkerEvent]) -> None:
        command = self._commands.get(command_id)
        if command is None:
            return
        has_room_again = command.outbox.acknowledge(number)
        self._outgoing.extend(command.outbox.due())
        if command.is_complete and command.outbox.is_empty:
            del self._commands[command_id]
        elif has_room_again:
            events.append(RoomAgain(command_id))


def _framed(message: Message) -> Bytes:
    if isinstance(message, Value):
        return frame_with(message, "value", f"the answer {message.key!r}")
    if isinstance(message, Hello):
        return frame_with(message, "info", "information about the worker")
    return frame(message)
