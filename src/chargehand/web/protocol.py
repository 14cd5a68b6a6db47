"""One connection: heads that never end, and requests that are answered where they arrive."""

from __future__ import annotations

import asyncio
from typing import Protocol as Interface

from aiohttp import EMPTY_PAYLOAD, HttpVersion11, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import RawRequestMessage

from chargehand.kit.bad_requests import TerseHandler

_MAX_HEAD = 512 * 1024
_MAX_REPEATED_HEAD = 2 * 1024
"""Longer ones are parsed each time: what is remembered of requests stays small."""
PIECE = 128 * 1024
"""Bytes of an answer that may wait for one client. The rest is taken from the one copy that all
clients share."""
_MOST_WAITING = PIECE + 64 * 1024
"""As many as where pieces are written one by one: asyncio lets writers wait above the second."""


class Server(Interface):
    """What a connection belongs to."""

    def answer_at_once(self, protocol: Protocol, request: bytes) -> tuple[bytes, bytes] | None:
        """Return head and body of the answer to a request that arrived as exactly these bytes;
        None if it must be worked on."""

    def end_turn(self, request: web.BaseRequest) -> None:
        """See `end_turn`."""

    def hand_over(self, request: web.BaseRequest) -> None:
        """See `hand_over`."""


class Protocol(TerseHandler):
    """Closes connections that never finish a request's headers.

    A request whose bytes came before, and whose answer is kept, is answered at once: it is not
    parsed again, and no task is made for it. For that the bytes must be one whole request, which
    only the bytes before can tell; so a connection on which anything else has arrived (a body, a
    part of a head, several requests together) goes on in the usual way to its end.
    """

    __slots__ = (
        "_head_size",
        "_is_regular",
        "_received",
        "_requests_seen",
        "address",
        "head",
        "server",
        "unsent",
    )

    def begin(self, server: Server, address: str, received: bytes) -> None:
        """Note where the connection belongs and comes from, and what has been read of it."""
        self.server = server
        self.address = address
        self._received = received
        self._is_regular = True
        self.head: bytes | None = None
        """All of the one request that has arrived since the last was answered, if it may be
        remembered."""
        self.unsent: memoryview | None = None
        """What is left of an answer to the request in progress that has begun to be sent."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._head_size = self._requests_seen = 0
        super().connection_made(transport)
        received, self._received = self._received, b""
        if received:
            self.data_received(received)

    def data_received(self, data: bytes) -> None:
        waiter = self._waiter
        is_idle = waiter is not None and not waiter.done()
        if is_idle and self._is_regular and self._is_answered(data):
            return
        super().data_received(data)
        if self._requests_seen != self._request_count:
            if self._is_regular:
                self._is_regular = self._is_one_request(data)
            self._requests_seen = self._request_count
            self._head_size = 0
        else:
            self._is_regular = False
            if self._waiter is not None:
                # No request is in progress: this is part of a request's headers.
                self._head_size += len(data)
                if self._head_size > _MAX_HEAD and self.transport is not None:
                    self.transport.abort()
        self.head = data if is_idle and self._is_regular else None

    async def send(self, data: bytes) -> None:
        """Send bytes as they are, and wait while too many wait for the client.

        Raises ConnectionError.
        """
        if self.transport is None or self.transport.is_closing():
            raise ConnectionResetError("the connection is closed")
        self.transport.write(data)
        await self._drain_helper()

    def _is_answered(self, data: bytes) -> bool:
        transport = self.transport
        if transport is None or transport.get_write_buffer_size():
            return False
        found = self.server.answer_at_once(self, data)
        if found is None:
            return False
        self._next_keepalive_close_time = self._loop.time() + self._keepalive_timeout
        head, body = found
        if len(body) <= PIECE:
            transport.write(head + body)
            return True
        rest = memoryview(body)
        transport.write(b"".join((head, rest[:PIECE])))
        rest = rest[PIECE:]
        while len(rest) > _MOST_WAITING - transport.get_write_buffer_size():
            if transport.get_write_buffer_size() or transport.is_closing():
                self.unsent = rest  # The client reads slowly: this becomes a request in progress.
                return False
            transport.write(rest[:PIECE])
            rest = rest[PIECE:]
        transport.write(rest)
        return True

    def _is_one_request(self, data: bytes) -> bool:
        """Return whether these bytes, and no others, are the request that has just arrived."""
        message, payload = self._messages[-1]
        return (
            self._request_count == self._requests_seen + 1
            and len(data) <= _MAX_REPEATED_HEAD
            and data.startswith(b"GET ")
            and data.find(b"\r\n\r\n") == len(data) - 4
            and payload is EMPTY_PAYLOAD
            and isinstance(message, RawRequestMessage)
            and message.version == HttpVersion11
            and not (message.should_close or message.upgrade)
        )


class Rest(web.StreamResponse):
    """The rest of an answer whose beginning has been sent."""

    def __init__(self, unsent: memoryview) -> None:
        super().__init__()
        self._unsent = unsent
        self._to: AbstractStreamWriter | None = None

    @property
    def keep_alive(self) -> bool:
        """The connection stays open, as the head has told the client."""
        return True

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter:
        """Send no head."""
        self._to = request.writer
        return self._to

    async def write_eof(self, data: bytes = b"") -> None:
        """Send the rest, as fast as the client reads."""
        assert self._to is not None
        for start in range(0, len(self._unsent), PIECE):
            await self._to.write(self._unsent[start : start + PIECE])


def head_of(request: web.BaseRequest) -> bytes | None:
    """Return all bytes of a request, if equal ones on any connection are the same request."""
    protocol = request.protocol
    return protocol.head if isinstance(protocol, Protocol) else None


async def send_framed(request: web.BaseRequest, data: bytes) -> None:
    """Send whole frames of an upgraded connection. Raises ConnectionError."""
    protocol = request.protocol
    assert isinstance(protocol, Protocol), "the listeners make no others"
    await protocol.send(data)


def end_turn(request: web.BaseRequest) -> None:
    """Let others begin: this request only waits from now on, for events."""
    protocol = request.protocol
    if isinstance(protocol, Protocol):
        protocol.server.end_turn(request)


def hand_over(request: web.BaseRequest) -> None:
    """Let the connection of this request be no visitor's any more: it takes no turn and no place of
    theirs, and is not closed for them. Call it when the client has shown that it may stay.
    """
    protocol = request.protocol
    if isinstance(protocol, Protocol):
        protocol.server.hand_over(request)
