"""Clients that have connected and whose request has not been taken: plain, or with TLS."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import Callable
from typing import Protocol

from chargehand.kit.tasks import Tasks

_RESET = struct.pack("ii", 1, 0)
"""Closes at once, without waiting for the client."""
_HANDSHAKE = 0x16
"""The first byte of a client that begins TLS."""
_SAID = b"This port speaks HTTPS only: use an address that begins with https://\n"
_NOT_ENCRYPTED = (
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n"
    b"Content-Length: %d\r\nConnection: close\r\n\r\n%b" % (len(_SAID), _SAID)
)


class Seats(Protocol):
    """Where connections go whose first request has arrived."""

    def make_room(self, address: str, *, is_whole: bool) -> bool:
        """Return whether one more can be taken; another may be closed for it."""

    def take(self, connection: socket.socket, address: str, received: bytes) -> None:
        """Take a connection, and what has been read of it."""

    def take_encrypted(self, transport: asyncio.Transport, address: str, received: bytes) -> None:
        """Take a connection with TLS, and what has been read of it."""

    def refused(self) -> None:
        """A whole request was refused: there is no room."""


class Client(Protocol):
    """A connection whose first request has not been taken yet."""

    address: str
    received: bytearray

    def __hash__(self) -> int:
        """Each connection is itself."""

    def read(self, most: int) -> bytes | None:
        """Return what has come, without waiting: None if nothing, empty if the client left."""

    def watch(self, has_come: Callable[[], None]) -> None:
        """Call *has_come* when there is something to read, until `unwatch`."""

    def unwatch(self) -> None:
        """Call it no more."""

    def enter(self, seats: Seats) -> None:
        """Go on as a connection in use."""

    def answer(self, answer: bytes) -> None:
        """Send it a last answer, before `close`; an empty one: leave nothing of the connection."""

    def close(self) -> None:
        """Close the connection."""


class PlainClient:
    """A connection without TLS: no more than its socket."""

    __slots__ = ("_connection", "_descriptor", "_is_watched", "address", "received")

    def __init__(self, connection: socket.socket, address: str) -> None:
        self._connection = connection
        self._descriptor = connection.fileno()
        self._is_watched = False
        self.address = address
        self.received = bytearray()

    def read(self, most: int) -> bytes | None:
        """Return what has come."""
        try:
            return self._connection.recv(most)
        except BlockingIOError:
            return None
        except OSError:
            return b""

    def watch(self, has_come: Callable[[], None]) -> None:
        """Look at the socket."""
        self._is_watched = True
        asyncio.get_running_loop().add_reader(self._descriptor, has_come)

    def unwatch(self) -> None:
        """Look at it no more."""
        if self._is_watched:
            self._is_watched = False
            asyncio.get_running_loop().remove_reader(self._descriptor)

    def enter(self, seats: Seats) -> None:
        """Hand the socket over."""
        seats.take(self._connection, self.address, bytes(self.received))

    def answer(self, answer: bytes) -> None:
        """Send what the client takes at once."""
        with contextlib.suppress(OSError):  # The client has left, or does not read.
            if answer:
                self._connection.send(answer)
            else:
                self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)

    def close(self) -> None:
        """Close the socket."""
        self._connection.close()


class EncryptedClient(asyncio.Protocol):
    """A connection with TLS: it is encrypted as soon as the client begins.

    It counts as a client that has sent nothing until its request arrives, so that neither
    handshakes that never end nor many of them keep others out.
    """

    def __init__(
        self, connection: socket.socket, address: str, context: ssl.SSLContext, tasks: Tasks
    ) -> None:
        self._connection = connection
        self._descriptor = connection.fileno()
        self._context = context
        self._tasks = tasks
        self._has_come: Callable[[], None] | None = None
        self._transport: asyncio.Transport | None = None
        self._handshake: asyncio.Task[None] | None = None
        self._unread = bytearray()
        self._has_left = False
        self._is_peeking = False
        self.address = address
        self.received = bytearray()

    def read(self, most: int) -> bytes | None:
        """Return what has come after the handshake."""
        if not self._unread:
            return b"" if self._has_left else None
        data = bytes(self._unread[:most])
        del self._unread[:most]
        return data

    def watch(self, has_come: Callable[[], None]) -> None:
        """Begin the handshake when the client does."""
        self._has_come = has_come
        if self._transport is not None:
            self._transport.resume_reading()
        elif self._handshake is None:
            self._is_peeking = True
            asyncio.get_running_loop().add_reader(self._descriptor, self._begin)

    def unwatch(self) -> None:
        """Let what comes wait."""
        self._has_come = None
        self._peek_no_more()
        if self._transport is not None:
            self._transport.pause_reading()

    def enter(self, seats: Seats) -> None:
        """Hand the encrypted connection over."""
        assert self._transport is not None
        received = bytes(self.received + self._unread)
        seats.take_encrypted(self._transport, self.address, received)

    def answer(self, answer: bytes) -> None:
        """Send a last answer, if the connection is encrypted."""
        if answer and self._transport is not None:
            self._transport.write(answer)

    def close(self) -> None:
        """Close the connection."""
        if self._transport is not None:
            self._transport.abort()
        elif self._handshake is not None:
            self._handshake.cancel()
        else:
            self._connection.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Go on: the handshake is over."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        if self._has_come is None:
            transport.pause_reading()

    def data_received(self, data: bytes) -> None:
        """Keep what comes."""
        self._unread += data
        self._tell()

    def connection_lost(self, error: Exception | None) -> None:
        """Tell that the client has left."""
        self._leave()

    def _begin(self) -> None:
        """Begin the handshake, unless the client speaks without TLS."""
        try:
            first = self._connection.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return
        except OSError:
            first = b""
        self._peek_no_more()
        if first and first[0] == _HANDSHAKE:
            self._handshake = self._tasks.spawn(self._encrypt(), name="TLS handshake")
            self._handshake.add_done_callback(self._close_if_failed)
            return
        if first:
            with contextlib.suppress(OSError):
                self._connection.send(_NOT_ENCRYPTED)
                # What is not read would make the system reset the connection before that arrives.
                self._connection.recv(65_536)
        self._leave()

    async def _encrypt(self) -> None:
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: self, self._connection, ssl=self._context
            )
        except OSError:
            self._leave()

    def _close_if_failed(self, _: asyncio.Task[None]) -> None:
        if self._transport is None:
            self._connection.close()

    def _peek_no_more(self) -> None:
        if self._is_peeking:
            self._is_peeking = False
            asyncio.get_running_loop().remove_reader(self._descriptor)

    def _leave(self) -> None:
        self._has_left = True
        self._tell()

    def _tell(self) -> None:
        if self._has_come is not None:
            self._has_come()
