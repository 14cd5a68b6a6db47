"""Connections with TLS, until they are encrypted: few, and not for long."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable

from chargehand.kit.limits import time_limit
from chargehand.kit.peers import peer_name
from chargehand.kit.strangers import Strangers
from chargehand.kit.tasks import Tasks

_HANDSHAKE_SECONDS = 20.0
_MOST_HELD = 256 * 1024
"""Bytes that may come together with the end of the handshake."""
_SILENCE = (
    f"it did not start TLS within {_HANDSHAKE_SECONDS:g} s; a worker without TLS waits too, "
    "because it expects the master to begin"
)
_REASONS = {
    "HTTP_REQUEST": "it speaks HTTP without TLS",
    "WRONG_VERSION_NUMBER": "it speaks without TLS",
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": "it has no client certificate",
}
"""What is wrong, by OpenSSL's word."""
_UNKNOWN_AUTHORITIES = (2, 18, 19, 20, 21)
"""OpenSSL's codes for a certificate of which no trusted authority is known."""
_DISTRUST = ("UNKNOWN_CA", "CERTIFICATE_UNKNOWN", "BAD_CERTIFICATE", "CERTIFICATE_EXPIRED")
"""Endings of the words for what a peer answers that does not accept our certificate."""


class TlsArrivals:
    """Makes what negotiates TLS on a new connection, and then hands it to what *accept* returns.

    asyncio's own servers count no connection before that, and give each a minute.
    """

    def __init__(self, accept: Callable[[], asyncio.Protocol], context: ssl.SSLContext) -> None:
        self._accept = accept
        self._context = context
        self._strangers = Strangers("a port of workers with TLS")
        self._tasks = Tasks("TLS for workers")

    def __call__(self) -> asyncio.Protocol:
        """Return what handles a new connection."""
        return TlsArrival(self)

    def renew(self, context: ssl.SSLContext) -> None:
        """Use other certificates for connections that come from now on."""
        self._context = context

    def begin(self, arrival: TlsArrival) -> None:
        """Begin to negotiate."""
        self._strangers.arrive(arrival)
        self._tasks.spawn(self._negotiate(arrival), name="handshake")

    def leave(self, arrival: TlsArrival) -> None:
        """Count a connection no more."""
        self._strangers.leave(arrival)

    async def _negotiate(self, arrival: TlsArrival) -> None:
        assert arrival.transport is not None
        try:
            async with time_limit(_HANDSHAKE_SECONDS):
                encrypted = await asyncio.get_running_loop().start_tls(
                    arrival.transport, arrival, self._context, server_side=True
                )
        except OSError as error:
            if (why := _why(error)) is not None:
                self._strangers.tell(arrival, why)
            arrival.abort()
            return
        finally:
            self.leave(arrival)
        if encrypted is not None:
            arrival.hand_over(encrypted, self._accept())


def _why(error: OSError) -> str | None:
    """Return why there is no TLS with a peer; None if it has left."""
    if isinstance(error, ssl.SSLCertVerificationError):
        if error.verify_code in _UNKNOWN_AUTHORITIES:
            return "its client certificate is not one of 'client_ca'"
        return f"its client certificate is not valid: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        word = error.reason or str(error)
        if word.endswith(_DISTRUST):
            return f"it does not trust the certificate of this port ({word})"
        return (
            _REASONS.get(word)
            or f"it does not start TLS in a way that this master understands ({word})"
        )
    return _SILENCE if isinstance(error, TimeoutError) else None


class TlsArrival(asyncio.Protocol):
    """One connection, until it is encrypted."""

    def __init__(self, arrivals: TlsArrivals) -> None:
        self._arrivals = arrivals
        self._held = b""
        self._has_left = False
        self.transport: asyncio.Transport | None = None
        self.host = ""
        """Where it comes from."""
        self.address = ""
        """The same with the port."""
        self.is_silent = True
        """Whether it has sent nothing that we know."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Negotiate."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.host, self.address = peer_name(transport)
        transport.pause_reading()
        self._arrivals.begin(self)

    def data_received(self, data: bytes) -> None:
        """Keep what comes together with the end of the handshake."""
        self._held += data
        if len(self._held) > _MOST_HELD:
            self.abort()

    def connection_lost(self, error: Exception | None) -> None:
        """Forget it."""
        self._has_left = True
        self._arrivals.leave(self)

    def abort(self) -> None:
        """Close the connection."""
        if self.transport is not None:
            self.transport.abort()

    def hand_over(self, encrypted: asyncio.Transport, protocol: asyncio.Protocol) -> None:
        """Let *protocol* have the connection, and what has come."""
        if self._has_left:
            return
        encrypted.set_protocol(protocol)
        protocol.connection_made(encrypted)
        if self._held:
            protocol.data_received(self._held)
