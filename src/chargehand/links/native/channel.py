"""A channel: one connection that carries a session's bytes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

import msgspec

from chargehand.links.native.farewell import Farewell, FarewellTransport
from chargehand_wire.framing import Bytes, FrameReader, ProtocolError
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
        """Use this channel from now on; *greeting* has the bytes received so far."""

    def received(self, data: Bytes) -> None:
        """Process received bytes. Raises ProtocolError."""

    def disconnected(self, channel: Channel) -> None:
        """Note that the connection was lost."""


class Channel(asyncio.Protocol):
    """A connection that is anonymous until its Hello; *arrived* then returns its session."""

    def __init__(
        self, arrived: Callable[[Hello], Receiver | None], *, peer: str = "a local worker"
    ) -> None:
        """*peer* is who has connected, for people."""
        self._peer = peer
        self._arrived = arrived
        self._reader: FrameReader[FromWorker] = FrameReader(_decoder)
        self._greeting = b""
        self._receiver: Receiver | None = None
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None

    def write(self, data: Bytes) -> None:
        """Send bytes; has no effect after the connection was lost."""
        if self._transport is not None:
            self._transport.write(data)

    def close(self) -> None:
        """Close the connection immediately; has no effect if it is closed."""
        if self._transport is not None:
            self._transport.abort()

    def close_soon(self, farewell: Farewell | None = None) -> None:
        """Close the connection after all written bytes are sent; say *farewell* if it can."""
        if farewell is not None and isinstance(self._transport, FarewellTransport):
            self._transport.farewell = farewell
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait, for a limited time, for the worker's Hello."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(_GREETING_SECONDS, transport.abort)

    def data_received(self, data: Bytes) -> None:
        """Pass received bytes to the session."""
        try:
            if self._receiver is not None:
                self._receiver.received(data)
            else:
                self._greet(data)
        except (ProtocolError, msgspec.ValidationError) as error:
            _log.error(
                "closing the connection of %s, which does not follow the worker protocol: %s",
                self._peer,
                error,
            )
            self.close()

    def connection_lost(self, error: Exception | None) -> None:
        """Notify the session, which decides how to react."""
        self._transport = None
        if self._timer is not None:
            self._timer.cancel()
        if self._receiver is not None:
            self._receiver.disconnected(self)

    def _greet(self, data: Bytes) -> None:
        self._greeting += data
        for message in self._reader.feed(data):
            if not isinstance(message, Hello):
                raise ProtocolError(f"expected Hello, not {type(message).__name__}")
            if self._timer is not None:
                self._timer.cancel()
            receiver = self._arrived(message)
            if receiver is None:
                _log.warning("worker %s is not expected here; closing its connection", message.name)
                self.close()
                return
            self._receiver = receiver
            receiver.connected(self, self._greeting)
            return
