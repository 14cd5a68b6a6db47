"""A websocket as the worker's side opens it: bytes in, what they mean out. Knows no sockets.

A master that understands it opens one whose frames are masked by neither side.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Optional

from chargehand_wire.framing import Bytes, ProtocolError
from chargehand_wire.websocket_frames import Closed, Entropy, Frames

MASKED, UNMASKED = "websocket", "chargehand-worker"
"""Values of ``Upgrade``: what RFC 6455 describes, and the same without masks."""
_ACCEPTED = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_LONGEST_HEAD = 64 * 1024
_LONGEST_REFUSAL = 16 * 1024


@dataclass(frozen=True)
class Refused(Exception):
    """The server does not open a websocket; *text* is what it says."""

    status: int
    text: str
    headers: Mapping[str, str]


class SpeaksNoHttp(ProtocolError):
    """The server answered something that is not HTTP."""


class ClientSocket:
    """The client's side of one websocket; it may do without masks if it *offers_unmasked*."""

    def __init__(
        self,
        *,
        host: str,
        path: str,
        headers: Mapping[str, str],
        offers_unmasked: bool = False,
        entropy: Entropy = os.urandom,
    ) -> None:
        self._entropy = entropy
        self._key = base64.b64encode(entropy(16))
        self._host = host
        self._path = path
        self._headers = headers
        self._offered = (UNMASKED, MASKED) if offers_unmasked else (MASKED,)
        self._answer = bytearray()
        self._frames: Optional[Frames] = None
        self.is_unmasked = False
        """Whether the server has opened one without masks."""

    @property
    def is_open(self) -> bool:
        """Whether the server has opened the websocket."""
        return self._frames is not None

    @property
    def closed(self) -> Optional[Closed]:
        """How the server has closed it, after all that was received."""
        return None if self._frames is None else self._frames.closed

    def request(self) -> bytes:
        """Return the request that begins it."""
        lines = [
            f"GET {self._path} HTTP/1.1",
            f"Host: {self._host}",
            "Connection: Upgrade",
            f"Upgrade: {', '.join(self._offered)}",
            "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Key: {self._key.decode()}",
            *(f"{name}: {value}" for name, value in self._headers.items()),
        ]
        return "\r\n".join([*lines, "", ""]).encode()

    def receive(self, data: bytes) -> list[Bytes]:
        """Take bytes; return pieces of the stream. Raises Refused and ProtocolError."""
        if self._frames is None:
            self._answer += data
            self._frames = self._opened(is_end=False)
            if self._frames is None:
                return []
            data = bytes(self._answer)
            self._answer.clear()
        return self._frames.feed(data)

    def ended(self) -> None:
        """Take the end of the connection. Raises Refused and ProtocolError if that is too early."""
        if self._frames is None:
            self._opened(is_end=True)
            raise ProtocolError("the connection was closed before an answer came")

    def take(self) -> bytes:
        """Return what is to be sent in answer to what was received."""
        return b"" if self._frames is None else self._frames.take()

    def data(self, piece: Bytes) -> tuple[Bytes, ...]:
        """Return the frame with a piece of the stream, in one part or in several."""
        return self._open.data(piece)

    def ping(self) -> bytes:
        """Return a frame that the server answers."""
        return self._open.ping()

    @property
    def _open(self) -> Frames:
        assert self._frames is not None
        return self._frames

    def _opened(self, *, is_end: bool) -> Optional[Frames]:
        end = self._answer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._answer) > _LONGEST_HEAD or not b"HTTP/1.".startswith(self._answer[:7]):
                raise SpeaksNoHttp("the server there does not speak HTTP")
            return None
        status, headers = _head(bytes(self._answer[:end]))
        if status != 101:
            self._refuse(status, headers, bytes(self._answer[end + 4 :]), is_end=is_end)
            return None
        if headers.get("sec-websocket-accept") != accepted(self._key):
            raise ProtocolError("the server answered another websocket's request")
        wanted = self._headers.get("Sec-WebSocket-Protocol")
        if wanted is not None and headers.get("sec-websocket-protocol") != wanted:
            raise ProtocolError(
                f"the server opens websockets, but not for {wanted}: it is not a master, "
                "or this is its port for stock workers"
            )
        upgrade = headers.get("upgrade", MASKED).lower()
        if upgrade not in self._offered:
            raise ProtocolError(f"the server wants to speak {upgrade}")
        del self._answer[: end + 4]
        self.is_unmasked = upgrade == UNMASKED
        return Frames(is_masking=not self.is_unmasked, entropy=self._entropy)

    @staticmethod
    def _refuse(status: int, headers: Mapping[str, str], body: bytes, *, is_end: bool) -> None:
        """Raise Refused when all that the server says has come."""
        told = headers.get("content-length", "")
        length = min(int(told), _LONGEST_REFUSAL) if told.isdigit() else _LONGEST_REFUSAL
        if is_end or len(body) >= length:
            raise Refused(status, body[:length].decode(errors="replace").strip(), headers)


def accepted(key: bytes) -> str:
    """Return the ``Sec-WebSocket-Accept`` that answers a ``Sec-WebSocket-Key``."""
    return base64.b64encode(hashlib.sha1(key + _ACCEPTED).digest()).decode()


def _head(head: bytes) -> tuple[int, dict[str, str]]:
    first, *lines = head.decode("latin-1").split("\r\n")
    parts = first.split(" ", 2)
    if len(parts) < 2 or not parts[0].startswith("HTTP/1.") or not parts[1].isdigit():
        raise SpeaksNoHttp("the server there does not speak HTTP")
    pairs = (line.partition(":") for line in lines)
    return int(parts[1]), {name.strip().lower(): value.strip() for name, _, value in pairs}
