"""A channel: one connection, which carries a session's bytes as long as it lasts."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

import msgspec

from chargehand_wire.framing import FrameReader, ProtocolError
from chargehand_wire.messages import FromWorker, Hello
from chargehand_wire.values import from_extension

_log = logging.getLogger(__name__)

_GREETING_SECONDS = 10.0

_decoder: msgspec.msgpack.Decoder[FromWorker] = msgspec.msgpack.Decoder(
    FromWorker, ext_hook=from_extension
)


class Receiver(Protocol):
    """The session that a channel belongs to."""

    def connected(self, channel: Channel, greeting: bytes) -> None:
        """Bytes go this way from now on; *greeting* are those that came already."""

    def received(self, data: bytes) -> None:
        """More bytes came. Raises ProtocolError."""

    def disconnected(self, channel: Channel) -> None:
        """The connection is gone."""


class Channel(asyncio.Protocol):
    """A connection of which nothing is known until it says hello; *arrived* says whose it is."""

    def __init__(self, arrived: Callable[[Hello], Receiver | None]) -> None:
        self._arrived = arrived
        self._reader = FrameReader[FromWorker](_decoder)
        self._greeting = b""
        self._receiver: Receiver | None = None
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None

    def write(self, data: bytes) -> None:
        """Send bytes; without effect when the connection is gone."""
        if self._transport is not None:
            self._transport.write(data)

    def close(self) -> None:
        """End the connection at once; closing twice has no effect."""
        if self._transport is not None:
            self._transport.abort()

    def close_soon(self) -> None:
        """End the connection when what was written has been sent."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the other side to say hello, for a while."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(_GREETING_SECONDS, transport.abort)

    def data_received(self, data: bytes) -> None:
        """Hand on what the worker says."""
        try:
            if self._receiver is not None:
                self._receiver.received(data)
            else:
                self._greet(data)
        except (ProtocolError, msgspec.ValidationError) as error:
            _log.error("a worker does not speak our protocol: %s", error)
            self.close()

    def connection_lost(self, error: Exception | None) -> None:
        """Tell the session; what it becomes of that is its own affair."""
        self._transport = None
        if self._timer is not None:
            self._timer.cancel()
        if self._receiver is not None:
            self._receiver.disconnected(self)

    def _greet(self, data: bytes) -> None:
        self._greeting += data
        for message in self._reader.feed(data):
            if not isinstance(message, Hello):
                raise ProtocolError(f"expected Hello, not {type(message).__name__}")
            if self._timer is not None:
                self._timer.cancel()
            receiver = self._arrived(message)
            if receiver is None:
                _log.warning("nobody expects worker %s; closing its connection", message.name)
                self.close()
                return
            self._receiver = receiver
            receiver.connected(self, self._greeting)
            return
