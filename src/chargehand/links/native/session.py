"""The session of a worker with our own protocol, as used by builds."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence

from chargehand.domain.build import Segment, SegmentSource
from chargehand.domain.command import Command, CommandUpdate, Origin, Output, Value
from chargehand.domain.identifiers import CommandId
from chargehand.domain.session import CommandRefused, Receive, SessionState, WorkerLost
from chargehand.domain.worker import WorkerInfo
from chargehand.kit.limits import time_limit
from chargehand.links.native.acknowledging import Acknowledgements
from chargehand.links.native.channel import Channel
from chargehand.links.native.farewell import ENDED, Farewell
from chargehand.links.native.recompressing import as_zstd
from chargehand.links.native.waiting import Preparing, UpdateQueue
from chargehand.links.worker_session import WorkerSession
from chargehand_wire import messages
from chargehand_wire.framing import Bytes
from chargehand_wire.master_side import Lost, MasterEvent, MasterSide
from chargehand_wire.numbering import RoomAgain
from chargehand_wire.values import Unsendable

_LATER = 0.02
"""Seconds to delay messages that are not urgent, so that they share a packet."""
_ANSWER_TIME = 5.0
"""Seconds that a worker may take to show that it is there."""
_DEATH_TIME = 15.0
"""Seconds to wait for a cancelled command to end before its caller continues."""


class NativeSession(WorkerSession):
    """One worker, over any number of successive channels; runs many commands concurrently.

    Implements `chargehand.domain.session.Session`, and the Receiver of its channels. Calls
    *changed* when its state has changed. It is lost after an interruption of more than *patience*
    seconds. The process of a worker that *is_remote* goes on when its session ends: somebody else
    has started it.
    """

    def __init__(
        self,
        *,
        worker_name: str,
        incarnation: str,
        info: WorkerInfo,
        patience: float,
        changed: Callable[[], None],
        stop_requested: Callable[[], None] = lambda: None,
        address: str = "this machine",
        is_remote: bool = False,
    ) -> None:
        super().__init__(
            worker_name=worker_name, info=info, address=address, state=SessionState.INTERRUPTED
        )
        self._is_remote = is_remote
        self._stop_requested = stop_requested
        self._heard = asyncio.Event()
        self._incarnation = incarnation
        self._patience = patience
        self._changed = changed
        self._side = MasterSide()
        self._channel: Channel | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._mailboxes: dict[str, UpdateQueue] = {}
        self._preparing: dict[int, Preparing] = {}
        self._last_number = 0
        self._is_flush_due = False
        self._later: asyncio.TimerHandle | None = None
        self._prepared: set[str] = set()
        """Directories that the worker has already created."""
        self._directories: set[str] | None = None
        """Directories of builders, as the worker heard of them."""
        self.unanswered = 0
        """The number of unanswered pings."""

    @property
    def incarnation(self) -> str:
        """Identifies this start of the worker."""
        return self._incarnation

    async def prepare(self, builddirs: Sequence[str]) -> None:
        """Ensure that these directories (below the worker's base) exist.

        Does not wait for directories created before: the worker gets the order before the next
        command, and recreates them if they were removed.
        """
        self._require_worker()
        self._last_number += 1
        number = self._last_number
        try:
            self._side.prepare(number, builddirs)
        except Unsendable as refusal:
            raise CommandRefused(str(refusal)) from refusal
        if self._prepared.issuperset(builddirs):
            self._flush_later()
            return
        preparing = self._preparing[number] = Preparing(builddirs)
        self._flush()
        try:
            error = await preparing.answer
        finally:
            del self._preparing[number]
        if error is not None:
            raise CommandRefused(error)
        self._prepared.update(builddirs)

    async def run(self, command: Command, receive: Receive) -> None:
        """Run *command*, pass each update to *receive* in order, return when it is complete."""
        self._require_worker()
        if command.id in self._mailboxes:
            raise CommandRefused(f"command {command.id} is already running")
        self._order(command)
        mailbox = self._mailboxes[command.id] = UpdateQueue()
        try:
            self._flush()
            await self._deliver(command.id, mailbox, receive)
        except BaseException:
            self._side.interrupt(command.id, "its caller was cancelled")
            self._flush()
            await self._wait_for_death(command.id, mailbox)
            raise
        finally:
            self._mailboxes.pop(command.id, None)

    def _order(self, command: Command) -> None:
        try:
            self._side.start(
                command.id,
                command.name,
                command.arguments,
                command.builddir,
                origin=_told(command.origin),
                routes=command.routes,
            )
        except Unsendable as error:
            raise CommandRefused(str(error)) from error

    def adopt(self, kept: messages.Kept) -> None:
        """Take over a command of an earlier master; call `finish` next."""
        self._mailboxes[kept.command_id] = UpdateQueue()
        self._side.adopt(kept)

    async def finish(self, command_id: CommandId, receive: Receive, reason: str) -> None:
        """End a command that was taken over, passing its updates to *receive* as `run` does."""
        mailbox = self._mailboxes[command_id]
        try:
            self._side.interrupt(command_id, reason)
            self._flush()
            await self._deliver(command_id, mailbox, receive)
        finally:
            del self._mailboxes[command_id]

    async def interrupt(self, command: Command, reason: str) -> None:
        """Ask the worker to kill the command; `run` returns after its end."""
        self._side.interrupt(command.id, reason)
        self._flush()

    async def close(self) -> None:
        """End the session, and tell a local worker to exit."""
        self.lose(f"the session of worker {self._worker_name} was closed")

    async def is_alive(self) -> bool:
        """Return whether the worker answers."""
        if self._channel is None:
            return False
        self._heard.clear()
        self.ping()
        with contextlib.suppress(TimeoutError):
            async with time_limit(_ANSWER_TIME):
                await self._heard.wait()
        return self._heard.is_set()

    async def shut_down(self) -> None:
        """Have the worker's process exit, and end the session."""
        self._is_remote = False
        self.lose(f"worker {self._worker_name} was shut down", ENDED)

    async def tell_builders(self, directories: Mapping[str, str], may_forget: bool) -> None:
        """Tell the worker which directories its builders use: it may delete others.

        While it may not forget any, it hears of no directories, or of more.
        """
        wanted = {*directories.values()}
        if not may_forget:
            if self._directories is None:
                return
            wanted |= self._directories
        self._directories = wanted
        self._side.tell_directories(tuple(sorted(wanted)))
        self._flush()

    def cut(self) -> None:
        """Drop the connection; the worker is expected to reconnect."""
        if self._channel is not None:
            self._channel.close()

    def ping(self) -> None:
        """Ping the worker, if it is connected."""
        if self._channel is not None:
            self.unanswered += 1
            self._side.ping(self.unanswered)
            self._flush()

    def lose(self, reason: str, farewell: Farewell | None = None) -> None:
        """Mark the session as lost, which fails its commands; has no effect if it is lost.

        The worker hears *farewell*, or why the door closes connections.
        """
        if self._state is SessionState.LOST:
            return
        self._state = SessionState.LOST
        self.why_lost = reason
        if self._is_remote:
            for command_id in self._mailboxes:
                self._side.interrupt(command_id, reason)
        else:
            self._side.shutdown()
        self._flush()
        self._stop_waiting()
        if self._channel is not None:
            self._channel.close_soon(farewell)
        self._changed()  # First, so that nobody who learns of the loss can get this session again.
        error = WorkerLost(reason)
        for mailbox in self._mailboxes.values():
            mailbox.fail(error)
        for preparing in self._preparing.values():
            preparing.fail(error)

    # Receiver

    def connected(self, channel: Channel, greeting: bytes) -> None:
        """Use this channel from now on."""
        former, self._channel = self._channel, channel
        if former is not None:
            former.close()
        self._stop_waiting()
        self._side.connect()
        self.received(greeting)
        for number, preparing in self._preparing.items():
            self._side.prepare(number, preparing.builddirs)
        self._flush()
        self._state = SessionState.CONNECTED
        self._changed()

    def received(self, data: Bytes) -> None:
        """Process the worker's messages. Raises ProtocolError."""
        self.unanswered = 0
        self._heard.set()
        for event in self._side.receive(data):
            self._dispatch(event)
        self._flush()

    def disconnected(self, channel: Channel) -> None:
        """Wait, for a limited time, for the worker to reconnect."""
        if channel is not self._channel:
            return
        self._channel = None
        self._side.disconnect()
        if self._state is not SessionState.CONNECTED:
            return
        self._state = SessionState.INTERRUPTED
        why = f"worker {self._worker_name} did not reconnect within {self._patience:g} seconds"
        self._deadline = asyncio.get_running_loop().call_later(
            self._patience, lambda: self.lose(why)
        )
        self._changed()

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _dispatch(self, event: MasterEvent) -> None:
        match event:
            case messages.Segment() | messages.Value() | messages.Complete():
                if mailbox := self._mailboxes.get(event.command_id):
                    mailbox.put(event)
                else:
                    self._side.acknowledge(event.command_id, event.number)
            case messages.Prepared():
                if preparing := self._preparing.get(event.number):
                    preparing.done(event.error)
            case Lost():
                if mailbox := self._mailboxes.get(event.command_id):
                    mailbox.fail(WorkerLost(f"worker {self._worker_name} restarted"))
            case messages.StopRequest():
                self._stop_requested()
            case messages.Goodbye():
                self.lose(f"worker {self._worker_name} was stopped")
            case messages.Hello() | messages.Pong() | RoomAgain():
                pass

    def _require_worker(self) -> None:
        if self._state is SessionState.LOST:
            raise WorkerLost(f"worker {self._worker_name} is not connected")

    def _flush(self) -> None:
        if self._channel is not None:
            for parcel in self._side.take_parcels():
                self._channel.write(parcel)

    def _flush_soon(self) -> None:
        """Send all messages together at the end of this loop iteration."""
        if not self._is_flush_due:
            self._is_flush_due = True
            asyncio.get_running_loop().call_soon(self._flush_now)

    def _flush_later(self) -> None:
        """Send pending messages with the next one, or after a short delay."""
        if self._later is None:
            self._later = asyncio.get_running_loop().call_later(_LATER, self._flush_late)

    def _flush_late(self) -> None:
        self._later = None
        self._flush()

    def _flush_now(self) -> None:
        self._is_flush_due = False
        self._flush()

    async def _deliver(self, command_id: CommandId, mailbox: UpdateQueue, receive: Receive) -> None:
        def acknowledge(number: int) -> None:
            self._side.acknowledge(command_id, number)
            if mailbox.is_complete:
                self._flush_later()  # The worker expects no acknowledgement.
            else:
                self._flush_soon()

        acknowledgements = Acknowledgements(acknowledge)
        while True:
            update = await mailbox.get()
            if isinstance(update, messages.Complete):
                acknowledgements.add(update.number, None)
                if update.error is not None:
                    raise CommandRefused(update.error)
                return
            acknowledgements.add(update.number, receive(_translated(update)))

    async def _wait_for_death(self, command_id: CommandId, mailbox: UpdateQueue) -> None:
        with contextlib.suppress(TimeoutError, WorkerLost):
            async with time_limit(_DEATH_TIME):
                while not mailbox.is_complete and self._channel is not None:
                    update = await mailbox.get()
                    self._side.acknowledge(command_id, update.number)
                    self._flush()


def _translated(update: messages.Segment | messages.Value) -> CommandUpdate:
    if isinstance(update, messages.Value):
        return Value(key=update.key, value=update.value)
    segment = Segment(
        data=as_zstd(update.data, update.size),
        line_count=update.line_count,
        size=update.size,
        source=SegmentSource(command_id=CommandId(update.command_id), number=update.number),
    )
    return Output(log=update.log, segment=segment)


def _told(origin: Origin | None) -> messages.Origin | None:
    return None if origin is None else messages.Origin(origin.build_id, origin.step_id)
