"""A worker that speaks the native protocol, as builds see it."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from chargehand.domain.build import Segment, SegmentSource
from chargehand.domain.command import Command, CommandUpdate, Output, Value
from chargehand.domain.identifiers import CommandId
from chargehand.domain.session import CommandRefused, Receive, SessionState, WorkerLost
from chargehand.domain.worker import WorkerInfo
from chargehand.kit.limits import time_limit
from chargehand.links.acknowledging import Acknowledgements
from chargehand_wire import messages
from chargehand_wire.master_side import Lost, MasterEvent, MasterSide

_DEATH_TIME = 15.0
"""Seconds that a cancelled command may take to die before its caller is let go."""


class WireSession:
    """One connection to a worker; `run` may be called many times at once.

    It is a `chargehand.domain.session.Session`.
    """

    def __init__(
        self,
        *,
        worker_name: str,
        info: WorkerInfo,
        side: MasterSide,
        send: Callable[[bytes], None],
        close: Callable[[], Awaitable[None]],
    ) -> None:
        self._worker_name = worker_name
        self._info = info
        self._side = side
        self._send = send
        self._close = close
        self._mailboxes: dict[str, _Mailbox] = {}
        self._preparing: dict[int, asyncio.Future[str | None]] = {}
        self._last_number = 0
        self._is_open = True
        self._is_flushing = False

    @property
    def worker_name(self) -> str:
        """The worker's name."""
        return self._worker_name

    @property
    def info(self) -> WorkerInfo:
        """What the worker said of itself."""
        return self._info

    @property
    def state(self) -> SessionState:
        """Where the session is in its life."""
        return SessionState.CONNECTED if self._is_open else SessionState.LOST

    async def prepare(self, builddirs: Sequence[str]) -> None:
        """Make sure that these directories (below the worker's base) are there."""
        self._require_open()
        self._last_number += 1
        number = self._last_number
        answer = self._preparing[number] = asyncio.get_running_loop().create_future()
        self._side.prepare(number, builddirs)
        self._flush()
        try:
            error = await answer
        finally:
            del self._preparing[number]
        if error is not None:
            raise CommandRefused(error)

    async def run(self, command: Command, receive: Receive) -> None:
        """Run *command*, hand each update to *receive* in order, return when it is complete."""
        self._require_open()
        if command.id in self._mailboxes:
            raise CommandRefused(f"command {command.id} runs already")
        mailbox = self._mailboxes[command.id] = _Mailbox()
        try:
            self._side.start(command.id, command.name, command.arguments, command.builddir)
            self._flush()
            await self._deliver(command, mailbox, receive)
        except BaseException:
            self._side.interrupt(command.id, "nobody waits for it any more")
            self._flush()
            await self._wait_for_death(command, mailbox)
            raise
        finally:
            self._mailboxes.pop(command.id, None)

    async def interrupt(self, command: Command, reason: str) -> None:
        """Ask the worker to kill the command; `run` returns when it is dead."""
        self._side.interrupt(command.id, reason)
        self._flush()

    async def close(self) -> None:
        """End the connection."""
        await self._close()

    def dispatch(self, event: MasterEvent) -> None:
        """Take what the worker said."""
        match event:
            case messages.Segment() | messages.Value() | messages.Complete():
                if mailbox := self._mailboxes.get(event.command_id):
                    mailbox.put(event)
                else:
                    self._side.acknowledge(event.command_id, event.number)
            case messages.Prepared():
                answer = self._preparing.get(event.number)
                if answer is not None and not answer.done():
                    answer.set_result(event.error)
            case Lost():
                if mailbox := self._mailboxes.get(event.command_id):
                    mailbox.fail(WorkerLost(f"worker {self._worker_name} was started anew"))
            case messages.Hello() | messages.Pong():
                pass

    def end(self) -> None:
        """The connection is lost: whoever waits hears of it."""
        self._is_open = False
        error = WorkerLost(f"the connection to worker {self._worker_name} was lost")
        for mailbox in self._mailboxes.values():
            mailbox.fail(error)
        for answer in self._preparing.values():
            if not answer.done():
                answer.set_exception(error)

    def _require_open(self) -> None:
        if not self._is_open:
            raise WorkerLost(f"worker {self._worker_name} is not connected")

    def _flush(self) -> None:
        if self._is_open and (data := self._side.take()):
            self._send(data)

    def _flush_soon(self) -> None:
        """Send what there is at the end of this turn of the loop, together."""
        if not self._is_flushing:
            self._is_flushing = True
            asyncio.get_running_loop().call_soon(self._flush_now)

    def _flush_now(self) -> None:
        self._is_flushing = False
        self._flush()

    async def _deliver(self, command: Command, mailbox: _Mailbox, receive: Receive) -> None:
        def acknowledge(number: int) -> None:
            self._side.acknowledge(command.id, number)
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

    async def _wait_for_death(self, command: Command, mailbox: _Mailbox) -> None:
        with contextlib.suppress(TimeoutError, WorkerLost):
            async with time_limit(_DEATH_TIME):
                while not mailbox.is_complete:
                    update = await mailbox.get()
                    self._side.acknowledge(command.id, update.number)
                    self._flush()


class _Mailbox:
    """Updates of one command that wait to be delivered; the protocol's window bounds them."""

    __slots__ = ("_error", "_updates", "_waiter", "is_complete")

    def __init__(self) -> None:
        self._updates: deque[messages.Update] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._error: Exception | None = None
        self.is_complete = False

    def put(self, update: messages.Update) -> None:
        """Add an update."""
        self._updates.append(update)
        self._wake()

    def fail(self, error: Exception) -> None:
        """Let the reader have what came, and then the error."""
        self._error = error
        self._wake()

    async def get(self) -> messages.Update:
        """Wait for the next update. Raises the error."""
        while not self._updates:
            if self._error is not None:
                raise self._error
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        update = self._updates.popleft()
        self.is_complete = isinstance(update, messages.Complete)
        return update

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


def _translated(update: messages.Segment | messages.Value) -> CommandUpdate:
    if isinstance(update, messages.Value):
        return Value(key=update.key, value=update.value)
    segment = Segment(
        data=update.data,
        line_count=update.line_count,
        size=update.size,
        source=SegmentSource(command_id=CommandId(update.command_id), number=update.number),
    )
    return Output(log=update.log, segment=segment)
