"""The agent's side of connections to a master on another machine."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable
from typing import Optional

from chargehand_wire.framing import ProtocolError
from chargehand_wire.worker_side import WorkerEvent, WorkerSide
from chargehand_worker.link import MasterConnection

_log = logging.getLogger(__name__)

ALONE = 75
"""The exit code of an agent that has been without a master for too long, with commands."""
_GOODBYE_SECONDS = 2.0


class MasterLink:
    """Talks to the master through one stream after the other.

    *patience* is for how many seconds commands go on without a master.
    """

    def __init__(
        self, *, side: WorkerSide, handle: Callable[[WorkerEvent], None], patience: float
    ) -> None:
        self._side = side
        self._handle = handle
        self._patience = patience
        self._loop = asyncio.get_running_loop()
        self._connection: Optional[MasterConnection] = None
        self._alone_since = self._loop.time()
        self._is_flush_due = False

    def send_soon(self) -> None:
        """Send what the protocol has to say, once for all that is said in this turn of the loop."""
        if not self._is_flush_due:
            self._is_flush_due = True
            self._loop.call_soon(self._flush)

    async def say_goodbye(self) -> None:
        """Tell the master that the worker is being stopped, and wait until it knows."""
        connection = self._connection
        if connection is not None and self._side.leave():
            connection.flush()
            await asyncio.wait([connection.closed], timeout=_GOODBYE_SECONDS)

    def serve(self, stream: socket.socket) -> None:
        """Talk through another stream from now on."""
        stream.setblocking(False)
        former, self._connection = self._connection, MasterConnection(self._side, self._handle)
        if former is not None:
            former.retire()
        connection = self._connection
        connection.closed.add_done_callback(lambda closed: self._closed(connection, closed))
        self._opening = self._loop.create_task(self._attach(connection, stream))

    def abort(self) -> None:
        """Give the stream up."""
        if self._connection is not None:
            self._connection.abort()

    def is_alone_for_too_long(self) -> bool:
        """Return whether commands have gone on without a master for longer than the patience."""
        if self._connection is not None or self._side.is_idle:
            return False
        seconds = self._loop.time() - self._alone_since
        if seconds <= self._patience:
            return False
        _log.error(
            "no connection to the master for %.0f s (patience is %g s): "
            "ending the commands under way",
            seconds,
            self._patience,
        )
        return True

    def _flush(self) -> None:
        self._is_flush_due = False
        if self._connection is not None:
            self._connection.flush()

    async def _attach(self, connection: MasterConnection, stream: socket.socket) -> None:
        with contextlib.suppress(OSError):
            await self._loop.create_connection(lambda: connection, sock=stream)

    def _closed(self, connection: MasterConnection, closed: asyncio.Future[None]) -> None:
        if isinstance(closed.exception(), ProtocolError):
            _log.error("%s", closed.exception())
        if connection is self._connection:
            self._connection = None
            self._alone_since = self._loop.time()
