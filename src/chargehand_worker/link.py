"""The link to a master in the same machine: through its door, again and again while it lasts."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
from collections import deque
from collections.abc import Callable
from pathlib import Path

from chargehand_wire.framing import ProtocolError
from chargehand_wire.worker_side import WorkerEvent, WorkerSide

_log = logging.getLogger(__name__)

_FIRST_PAUSE = 0.02
_LONGEST_PAUSE = 0.5
_DIRECTORY = getattr(os, "O_PATH", 0) | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)
_LONGEST_ADDRESS = 107
_PIECE = 256 * 1024
_UNREAD = 4096


class DoorLink:
    """Keeps a connection to the master's door: one that is lost is made again.

    *patience* is for how many seconds it tries before it takes the master for gone.
    """

    def __init__(
        self,
        *,
        door: Path,
        side: WorkerSide,
        handle: Callable[[WorkerEvent], None],
        patience: float,
    ) -> None:
        self._door = door
        self._side = side
        self._handle = handle
        self._patience = patience
        self._connection: MasterConnection | None = None
        self._is_flush_due = False

    async def keep(self) -> int:
        """Connect, and connect again; return the agent's exit code when no master was there for
        too long.

        Raises ProtocolError when there is one that speaks otherwise.
        """
        loop = asyncio.get_running_loop()
        deadline, pause = loop.time() + self._patience, _FIRST_PAUSE
        while True:
            with contextlib.suppress(OSError):
                if await self._be_connected():
                    deadline, pause = loop.time() + self._patience, _FIRST_PAUSE
                    continue
            if loop.time() >= deadline:
                return 0
            await asyncio.sleep(min(pause, max(deadline - loop.time(), 0.0)))
            pause = min(2 * pause, _LONGEST_PAUSE)

    def send_soon(self) -> None:
        """Send what the protocol has to say, once for all that is said in this turn of the loop."""
        if not self._is_flush_due:
            self._is_flush_due = True
            asyncio.get_running_loop().call_soon(self._flush)

    async def say_goodbye(self) -> None:
        """The master sees its processes end."""

    def _flush(self) -> None:
        self._is_flush_due = False
        if self._connection is not None:
            self._connection.flush()

    async def _be_connected(self) -> bool:
        """Connect, wait for the end, and return whether the master sent anything."""
        opened = _opened(self._door)
        connection = self._connection = MasterConnection(self._side, self._handle)
        try:
            await asyncio.get_running_loop().create_connection(lambda: connection, sock=opened)
            await connection.closed
        finally:
            self._connection = None
        return connection.was_heard


class MasterConnection(asyncio.BufferedProtocol):
    """Moves bytes between one socket and the worker's side of the protocol."""

    def __init__(self, side: WorkerSide, handle: Callable[[WorkerEvent], None]) -> None:
        self._side = side
        self._handle = handle
        self._transport: asyncio.Transport | None = None
        self._error: ProtocolError | None = None
        self._is_retired = False
        self._unwritten: deque[memoryview] = deque()
        self._is_paused = False
        self.was_heard = False
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet the master."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        if self._is_retired:
            transport.abort()
            return
        transport.set_write_buffer_limits(high=0)
        self._side.connect()
        self.flush()

    def get_buffer(self, sizehint: int) -> memoryview:
        """Let what comes be put where it belongs."""
        return memoryview(bytearray(_UNREAD)) if self._is_retired else self._side.room()

    def buffer_updated(self, nbytes: int) -> None:
        """Pass on the master's messages."""
        if self._is_retired:
            return
        self.was_heard = True
        try:
            for event in self._side.came(nbytes):
                self._handle(event)
        except ProtocolError as error:
            _log.exception("the master does not speak our protocol")
            self._error = error
            self.abort()
            return
        self.flush()

    def connection_lost(self, error: Exception | None) -> None:
        """Let the link connect again, but to a master that it cannot understand."""
        self._transport = None
        if not self._is_retired:
            self._disconnect()
        if self._error is not None:
            self.closed.set_exception(self._error)
        else:
            self.closed.set_result(None)

    def retire(self) -> None:
        """Give way to another connection, whatever may still happen to this one."""
        if not self._is_retired:
            self._is_retired = True
            self._disconnect()
            self.abort()

    def _disconnect(self) -> None:
        for event in self._side.disconnect():
            self._handle(event)

    def abort(self) -> None:
        """Close the connection; may be called more than once."""
        if self._transport is not None:
            self._transport.abort()

    def flush(self) -> None:
        """Send pending messages; without a master, keep those that matter."""
        if self._transport is None or not (parcels := self._side.take_parcels()):
            return
        self._unwritten.extend(memoryview(parcel) for parcel in parcels)
        self._write()

    def pause_writing(self) -> None:
        """Write no more: the other side does not keep up."""
        self._is_paused = True

    def resume_writing(self) -> None:
        """Go on."""
        self._is_paused = False
        self._write()

    def _write(self) -> None:
        """Write what waits in pieces: what the system does not take at once is copied."""
        while self._unwritten and not self._is_paused and self._transport is not None:
            data = self._unwritten.popleft()
            if len(data) > _PIECE:
                self._unwritten.appendleft(data[_PIECE:])
            self._transport.write(data[:_PIECE])


def _opened(door: Path) -> socket.socket:
    """Return a socket that is connected to *door*. Raises OSError."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.setblocking(False)
        if len(os.fsencode(door)) <= _LONGEST_ADDRESS:
            connection.connect(os.fsencode(door))
            return connection
        # The address of a unix socket is short: a longer one begins at an open directory.
        directory = os.open(door.parent, _DIRECTORY)
        try:
            connection.connect(f"/proc/self/fd/{directory}/{door.name}")
        finally:
            os.close(directory)
    except BaseException:
        connection.close()
        raise
    return connection
