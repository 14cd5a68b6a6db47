"""A worker's connection whose websocket has no masks: it goes past aiohttp's websockets."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Protocol

from aiohttp import web

from chargehand.links.native.farewell import FarewellTransport
from chargehand_wire.framing import Bytes, ProtocolError
from chargehand_wire.login import subprotocol
from chargehand_wire.websocket import UNMASKED, accepted
from chargehand_wire.websocket_frames import Frames

_log = logging.getLogger(__name__)

_CLOSE_SECONDS = 2.0
"""Seconds that a worker has to close its side."""


class Receiver(Protocol):
    """What takes the stream that comes."""

    def data_received(self, data: Bytes) -> None:
        """Take bytes."""


def is_offered(request: web.BaseRequest) -> bool:
    """Return whether a worker can do without masks."""
    upgrade = (part.strip().lower() for part in request.headers.get("Upgrade", "").split(","))
    connection = request.headers.get("Connection", "").lower()
    return UNMASKED in upgrade and "upgrade" in connection and request.version >= (1, 1)


class UnmaskedSocket(FarewellTransport):
    """Sends what is written as binary messages, whose borders mean nothing."""

    def __init__(self, request: web.BaseRequest, *, peer: str) -> None:
        """*peer* is who has connected, for people."""
        super().__init__()
        self._peer = peer
        self._request = request
        self._frames = Frames(is_masking=False)
        self._is_closing = False

    async def serve(self, receiver: Receiver) -> web.StreamResponse:
        """Answer the request, and give *receiver* what comes, until the connection is closed."""
        key = self._request.headers.get("Sec-WebSocket-Key", "").encode(errors="replace")
        answer = _Switching(
            status=101,
            headers={
                "Connection": "Upgrade",
                "Upgrade": UNMASKED,
                "Sec-WebSocket-Accept": accepted(key),
                "Sec-WebSocket-Protocol": subprotocol(),
            },
        )
        parser: Any = _Parser(self, receiver)  # aiohttp names its own class; it calls two methods
        self._request.protocol.keep_alive(val=False)
        self._request.protocol.set_parser(parser)
        await answer.prepare(self._request)
        await parser.ended
        return answer

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send bytes."""
        if not self._is_closing:
            for part in self._frames.data(memoryview(data)):
                self._send(part)

    def is_closing(self) -> bool:
        """Return whether it was closed."""
        return self._is_closing

    def close(self) -> None:
        """Close the websocket after all written bytes are sent."""
        if not self._is_closing:
            self._is_closing = True
            self._send(self._frames.close(self.farewell.encoded, self.farewell.code))
            asyncio.get_running_loop().call_later(_CLOSE_SECONDS, self._drop)

    def abort(self) -> None:
        """Close the connection immediately."""
        self._is_closing = True
        self._drop()

    def take(self, data: bytes, receiver: Receiver) -> None:
        """Take what comes over the connection."""
        try:
            pieces = self._frames.feed(data)
        except ProtocolError as error:
            _log.error(
                "closing the connection of %s, which does not follow the worker protocol: %s",
                self._peer,
                error,
            )
            self.abort()
            return
        if replies := self._frames.take():
            self._send(replies)
        for piece in pieces:
            if not self._is_closing:
                receiver.data_received(piece)
        if self._frames.closed is not None:
            self._is_closing = True
            if self._request.transport is not None:
                self._request.transport.close()

    def _send(self, data: Bytes) -> None:
        if isinstance(self._request.transport, asyncio.WriteTransport):
            self._request.transport.write(data)

    def _drop(self) -> None:
        if isinstance(self._request.transport, asyncio.WriteTransport):
            self._request.transport.abort()


class _Parser:
    """What aiohttp gives the bytes that follow a request."""

    def __init__(self, socket: UnmaskedSocket, receiver: Receiver) -> None:
        self._socket = socket
        self._receiver = receiver
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        """Take bytes."""
        self._socket.take(data, self._receiver)
        return False, b""

    def feed_eof(self) -> None:
        """Take the end of the connection."""
        if not self.ended.done():
            self.ended.set_result(None)


class _Switching(web.StreamResponse):
    """The answer after which the connection speaks something else."""

    async def write_eof(self, data: bytes = b"") -> None:
        """Nothing follows: the connection has ended."""
