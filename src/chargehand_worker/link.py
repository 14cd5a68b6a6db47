"""The link to a master in the same machine: an inherited socket; its end is our end."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable

from chargehand_wire.framing import ProtocolError
from chargehand_wire.worker_side import WorkerEvent, WorkerSide

_log = logging.getLogger(__name__)


class InheritedLink(asyncio.Protocol):
    """Moves bytes between a socket and the worker's side of the protocol."""

    def __init__(
        self, *, side: WorkerSide, handle: Callable[[WorkerEvent], None], lost: Callable[[], None]
    ) -> None:
        self._side = side
        self._handle = handle
        self._lost = lost
        self._transport: asyncio.Transport | None = None
        self._is_flush_due = False

    async def open(self, connection: socket.socket) -> None:
        """Begin to talk."""
        loop = asyncio.get_running_loop()
        await loop.create_connection(lambda: self, sock=connection)

    def send_soon(self) -> None:
        """Send what the protocol has to say, once for all that is said in this turn of the loop."""
        if not self._is_flush_due:
            self._is_flush_due = True
            asyncio.get_running_loop().call_soon(self._flush)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet the master."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._side.connect()
        self._flush()

    def data_received(self, data: bytes) -> None:
        """Hand on what the master says."""
        try:
            for event in self._side.receive(data):
                self._handle(event)
        except ProtocolError:
            _log.exception("the master does not speak our protocol")
            self._lost()
            return
        self._flush()

    def connection_lost(self, error: Exception | None) -> None:
        """The master is gone, and so are we."""
        self._transport = None
        self._lost()

    def _flush(self) -> None:
        self._is_flush_due = False
        data = self._side.take()
        if data and self._transport is not None:
            self._transport.write(data)
