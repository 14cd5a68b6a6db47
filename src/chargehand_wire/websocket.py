"""A websocket as the worker's side speaks it: bytes in, what they mean out. Knows no sockets.

Its binary messages carry a stream of bytes; where one of them ends and the next begins means
nothing.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Optional

from chargehand_wire.framing import ProtocolError

_ACCEPTED = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_LONGEST_HEAD = 64 * 1024
_LONGEST_REFUSAL = 16 * 1024
_BLOCK = 16 * 1024
_REPEATED = int.from_bytes(b"\1\0\0\0" * (_BLOCK // 4), "little")
"""Times a mask, it is that mask again and again."""
_LONGEST_CONTROL = 125
_CONTINUATION, _TEXT, _BINARY, _CLOSE, _PING, _PONG = 0, 1, 2, 8, 9, 10
_FINAL, _MASKED = 0x80, 0x80

Entropy = Callable[[int], bytes]


@dataclass(frozen=True)
class Refused(Exception):
    """The server does not open a websocket; *text* is what it says."""

    status: int
    text: str
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Closed:
    """The server has closed the websocket."""

    code: int
    reason: str


class ClientSocket:
    """The client's side of one websocket."""

    def __init__(
        self, *, host: str, path: str, headers: Mapping[str, str], entropy: Entropy = os.urandom
    ) -> None:
        self._entropy = entropy
        self._key = base64.b64encode(entropy(16))
        self._host = host
        self._path = path
        self._headers = headers
        self._buffer = bytearray()
        self._is_open = False
        self._opcode: Optional[int] = None
        self._left = 0
        self._replies: list[bytes] = []
        self.closed: Optional[Closed] = None
        """How the server has closed it, after all that was received."""

    @property
    def is_open(self) -> bool:
        """Whether the server has opened the websocket."""
        return self._is_open

    def request(self) -> bytes:
        """Return the request that begins it."""
        lines = [
            f"GET {self._path} HTTP/1.1",
            f"Host: {self._host}",
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Key: {self._key.decode()}",
            *(f"{name}: {value}" for name, value in self._headers.items()),
        ]
        return "\r\n".join([*lines, "", ""]).encode()

    def receive(self, data: bytes) -> list[bytes]:
        """Take bytes; return pieces of the stream. Raises Refused and ProtocolError."""
        self._buffer += data
        if not self._is_open and not self._opened(is_end=False):
            return []
        pieces: list[bytes] = []
        while self.closed is None and self._frame(pieces):
            pass
        return pieces

    def ended(self) -> None:
        """Take the end of the connection. Raises Refused and ProtocolError if that is too early."""
        if not self._is_open:
            self._opened(is_end=True)
            raise ProtocolError("the connection was closed before an answer came")

    def take(self) -> bytes:
        """Return what is to be sent in answer to what was received."""
        data = b"".join(self._replies)
        self._replies.clear()
        return data

    def data(self, piece: bytes) -> bytes:
        """Return the frame with a piece of the stream."""
        return self._framed(_BINARY, piece)

    def ping(self) -> bytes:
        """Return a frame that the server answers."""
        return self._framed(_PING, b"")

    def close(self) -> bytes:
        """Return the frame that closes the websocket."""
        return self._framed(_CLOSE, (1000).to_bytes(2, "big"))

    def _opened(self, *, is_end: bool) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > _LONGEST_HEAD or not b"HTTP/1.".startswith(self._buffer[:7]):
                raise ProtocolError("what answers there does not speak HTTP")
            return False
        status, headers = _head(bytes(self._buffer[:end]))
        if status != 101:
            self._refuse(status, headers, bytes(self._buffer[end + 4 :]), is_end=is_end)
            return False
        expected = base64.b64encode(hashlib.sha1(self._key + _ACCEPTED).digest()).decode()
        if headers.get("sec-websocket-accept") != expected:
            raise ProtocolError("the server answered another websocket's request")
        del self._buffer[: end + 4]
        self._is_open = True
        return True

    @staticmethod
    def _refuse(status: int, headers: Mapping[str, str], body: bytes, *, is_end: bool) -> None:
        """Raise Refused when all that the server says has come."""
        told = headers.get("content-length", "")
        length = min(int(told), _LONGEST_REFUSAL) if told.isdigit() else _LONGEST_REFUSAL
        if is_end or len(body) >= length:
            raise Refused(status, body[:length].decode(errors="replace").strip(), headers)

    def _frame(self, pieces: list[bytes]) -> bool:
        """Take a frame, or what has come of it; return whether there may be more."""
        if self._opcode is None and not self._frame_begins():
            return False
        if self._opcode is not None and self._opcode >= _CLOSE:
            return self._control(self._opcode)
        piece = bytes(self._buffer[: self._left])
        del self._buffer[: len(piece)]
        self._left -= len(piece)
        if piece:
            pieces.append(piece)
        if self._left:
            return False
        self._opcode = None
        return True

    def _frame_begins(self) -> bool:
        buffer = self._buffer
        if len(buffer) < 2:
            return False
        first, second = buffer[0], buffer[1]
        if first & 0x70 or second & _MASKED:
            raise ProtocolError("a frame of a websocket that nobody has agreed to")
        opcode, length = first & 0x0F, second & 0x7F
        if opcode not in (_CONTINUATION, _BINARY, _CLOSE, _PING, _PONG):
            raise ProtocolError(f"a frame of kind {opcode} is not expected")
        size = {126: 2, 127: 8}.get(length, 0)
        if len(buffer) < 2 + size:
            return False
        if size:
            length = int.from_bytes(buffer[2 : 2 + size], "big")
        if opcode >= _CLOSE and length > _LONGEST_CONTROL:
            raise ProtocolError("a control frame that is too long")
        del buffer[: 2 + size]
        self._opcode, self._left = opcode, length
        return True

    def _control(self, opcode: int) -> bool:
        if len(self._buffer) < self._left:
            return False
        body = bytes(self._buffer[: self._left])
        del self._buffer[: self._left]
        self._opcode = None
        if opcode == _CLOSE:
            code = int.from_bytes(body[:2], "big") if len(body) >= 2 else 1005
            self.closed = Closed(code, body[2:].decode(errors="replace"))
        if opcode == _PING:
            self._replies.append(self._framed(_PONG, body))
        return True

    def _framed(self, opcode: int, body: bytes) -> bytes:
        length = len(body)
        if length < 126:
            head = bytes((_FINAL | opcode, _MASKED | length))
        elif length < 1 << 16:
            head = bytes((_FINAL | opcode, _MASKED | 126)) + length.to_bytes(2, "big")
        else:
            head = bytes((_FINAL | opcode, _MASKED | 127)) + length.to_bytes(8, "big")
        mask = self._entropy(4)
        return b"".join((head, mask, _masked(body, mask)))


def _masked(body: bytes, mask: bytes) -> bytes:
    """Return the exclusive or of both; as numbers of some size, which is fast in Python as well."""
    key = _REPEATED * int.from_bytes(mask, "little")
    blocks = []
    for start in range(0, len(body), _BLOCK):
        block = body[start : start + _BLOCK]
        if len(block) < _BLOCK:
            key &= (1 << 8 * len(block)) - 1
        blocks.append((int.from_bytes(block, "little") ^ key).to_bytes(len(block), "little"))
    return b"".join(blocks)


def _head(head: bytes) -> tuple[int, dict[str, str]]:
    first, *lines = head.decode("latin-1").split("\r\n")
    parts = first.split(" ", 2)
    if len(parts) < 2 or not parts[0].startswith("HTTP/1.") or not parts[1].isdigit():
        raise ProtocolError("what answers there does not speak HTTP")
    pairs = (line.partition(":") for line in lines)
    return int(parts[1]), {name.strip().lower(): value.strip() for name, _, value in pairs}
