"""The master's side of the native protocol: receives each update once and in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Union

from chargehand_wire.codec import Decoder
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
    FromWorker,
    Goodbye,
    Hello,
    Input,
    InputAck,
    Interrupt,
    Kept,
    Message,
    Origin,
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
from chargehand_wire.numbering import Inbox, Outbox, RoomAgain
from chargehand_wire.values import from_extension, reason

_decoder: Decoder[FromWorker] = Decoder(FromWorker, ext_hook=from_extension)


@dataclass(frozen=True)
class Lost:
    """The worker has lost the command: its supervisor was restarted."""

    command_id: str


MasterEvent = Union[
    Hello, Segment, Value, Complete, RoomAgain, Prepared, Pong, Lost, StopRequest, Goodbye
]


class _Running:
    """What the master knows of a command: one that it started, or took over."""

    __slots__ = ("inbox", "incarnation", "interrupted", "is_complete", "outbox", "start")

    def __init__(
        self, start: StartCommand, incarnation: str | None, *, said: int = 0, fed: int = 0
    ) -> None:
        self.start = start
        self.incarnation = incarnation
        self.inbox = Inbox(said)
        self.outbox = Outbox(fed)
        self.is_complete = False
        self.interrupted: str | None = None


class MasterSide:
    """Bytes in, events out; orders in, bytes out. Knows no sockets, so that it survives them."""

    def __init__(self) -> None:
        self._commands: dict[str, _Running] = {}
        self._incarnation: str | None = None
        self._reader: FrameReader[FromWorker] = FrameReader(_decoder)
        self._outgoing: list[Bytes] = []
        self._greeted = False
        self._directories: Directories | None = None

    def connect(self) -> None:
        """Begin on a new connection: whatever the old one left half-way is forgotten."""
        self._reader = FrameReader(_decoder)
        self._outgoing.clear()
        self._greeted = False

    def disconnect(self) -> None:
        """The connection is lost: send nothing until the worker says hello on a new one."""
        self._outgoing.clear()
        self._greeted = False

    def receive(self, data: Bytes) -> list[MasterEvent]:
        """Take bytes from the worker; return what they mean. Raises ProtocolError."""
        events: list[MasterEvent] = []
        for message in self._reader.feed(data):
            self._handle(message, events)
        return events

    def take(self) -> bytes:
        """Return the frames to send now."""
        return b"".join(self.take_parcels())

    def take_parcels(self) -> list[Bytes]:
        """Return what is to be sent now, in pieces as they are best written."""
        frames, self._outgoing = self._outgoing, []
        return parcels(frames) if frames else []

    def start(
        self,
        command_id: str,
        name: str,
        arguments: dict[str, object],
        builddir: str = "",
        *,
        origin: Origin | None = None,
        routes: dict[str, str] | None = None,
    ) -> None:
        """Order a command. Raises ValueError when the identifier is in use.

        Raises Unsendable when the worker cannot be told; then nothing was ordered.
        """
        if command_id in self._commands:
            raise ValueError(f"command {command_id} is already running")
        start = StartCommand(command_id, name, arguments, builddir, origin, routes or {})
        data = _framed(start)  # Before it is known: what cannot be sent was never ordered.
        running = _Running(start, self._incarnation if self._greeted else None)
        self._commands[command_id] = running
        if self._greeted:
            self._outgoing.append(data)

    def adopt(self, kept: Kept) -> None:
        """Take over a command that another master started, before the worker is welcomed."""
        start = StartCommand(kept.command_id, "", {}, "", kept.origin, kept.routes)
        self._commands[kept.command_id] = _Running(
            start, None, said=kept.acknowledged, fed=kept.heard
        )

    def has_room(self, command_id: str) -> bool:
        """Return whether the command may be fed with more."""
        running = self._commands.get(command_id)
        return running is None or running.outbox.has_room

    def feed(self, command_id: str, data: bytes, *, is_last: bool = False) -> None:
        """Send input to a command; without effect when it has ended. Raises Unsendable."""
        running = self._commands.get(command_id)
        if running is not None and not running.is_complete:
            message = Input(command_id, running.outbox.next_number, data, is_last)
            framed = _framed(message)
            running.outbox.add(framed, len(data))
            if self._greeted:
                self._outgoing.extend(running.outbox.due())

    def interrupt(self, command_id: str, why: str) -> None:
        """Order a command's end; without effect when it has ended."""
        running = self._commands.get(command_id)
        if running is not None and not running.is_complete:
            running.interrupted = reason(why)
            self._send_if_greeted(Interrupt(command_id, running.interrupted))

    def acknowledge(self, command_id: str, number: int) -> None:
        """Tell the worker that updates up to this number are safe."""
        running = self._commands.get(command_id)
        if running is None or not running.inbox.acknowledge(number):
            return
        self._send_if_greeted(Ack(command_id, number))
        if running.is_complete and running.inbox.is_settled:
            del self._commands[command_id]

    def prepare(self, number: int, directories: Sequence[str]) -> None:
        """Order directories; Prepared with the same number will answer, unless the link breaks.

        Raises Unsendable.
        """
        order = Prepare(number, tuple(directories))
        data = _framed(order)
        if self._greeted:
            self._outgoing.append(data)

    def ping(self, number: int) -> None:
        """Ask for a Pong."""
        self._send_if_greeted(Ping(number))

    def tell_directories(self, directories: tuple[str, ...]) -> None:
        """Tell the worker, on this and on each later connection, which directories builders use."""
        self._directories = Directories(directories)
        self._send_if_greeted(self._directories)

    def shutdown(self) -> None:
        """Order the worker to end."""
        self._send_if_greeted(Shutdown())

    def _send_if_greeted(self, message: Message) -> None:
        if self._greeted:
            self._outgoing.append(_framed(message))

    def _handle(self, message: FromWorker, events: list[MasterEvent]) -> None:
        if self._greeted == isinstance(message, Hello):
            raise ProtocolError(f"unexpected {type(message).__name__}")
        if isinstance(message, (Segment, Value, Complete)):
            self._updated(message, events)
        elif isinstance(message, Hello):
            self._greet(message, events)
        elif isinstance(message, InputAck):
            running = self._commands.get(message.command_id)
            if running is not None:
                if running.outbox.acknowledge(message.number):
                    events.append(RoomAgain(message.command_id))
                self._outgoing.extend(running.outbox.due())
        elif isinstance(message, (Prepared, Pong, StopRequest, Goodbye)):
            events.append(message)
        elif isinstance(message, Ping):
            self._send_if_greeted(Pong(message.number))
        else:
            never(message)

    def _greet(self, hello: Hello, events: list[MasterEvent]) -> None:
        if hello.protocol != PROTOCOL_VERSION:
            raise ProtocolError(f"the worker speaks version {hello.protocol}")
        self._greeted = True
        self._incarnation = hello.incarnation
        events.append(hello)
        for command_id, running in list(self._commands.items()):
            if running.incarnation not in (None, hello.incarnation):
                del self._commands[command_id]
                events.append(Lost(command_id))
        kept = self._commands
        known = [one.command_id for one in hello.commands if one.command_id in kept]
        positions = {command_id: kept[command_id].inbox.acknowledged for command_id in known}
        self._send_if_greeted(Welcome(PROTOCOL_VERSION, positions))
        if self._directories is not None:
            self._send_if_greeted(self._directories)
        for running in kept.values():
            self._order_again(running, known=running.start.command_id in positions)

    def _order_again(self, running: _Running, *, known: bool) -> None:
        running.incarnation = self._incarnation
        if running.is_complete:
            return
        if not known:
            self._send_if_greeted(running.start)
        running.outbox.send_again()
        self._outgoing.extend(running.outbox.due())
        if running.interrupted is not None:
            self._send_if_greeted(Interrupt(running.start.command_id, running.interrupted))

    def _updated(self, update: Update, events: list[MasterEvent]) -> None:
        running = self._commands.get(update.command_id)
        if running is not None and running.inbox.accept(update.number):
            running.is_complete = isinstance(update, Complete)
            events.append(update)


def _framed(message: Message) -> Bytes:
    if isinstance(message, StartCommand):
        return frame_with(message, "arguments", f"the arguments of {message.name!r}")
    return frame(message)
