"""Frames of a websocket: bytes in, what they mean out. Knows no sockets."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Optional

from chargehand_wire.framing import Bytes, ProtocolError

_BLOCK = 16 * 1024
_REPEATED = int.from_bytes(b"\1\0\0\0" * (_BLOCK // 4), "little")
"""Times a mask, it is that mask again and again."""
_SHORT = 16 * 1024
"""Bytes up to which a copy costs less than one more call of the system."""
_LONGEST_CONTROL = 125
_CONTINUATION, _TEXT, _BINARY, _CLOSE, _PING, _PONG = 0, 1, 2, 8, 9, 10
_FINAL, _MASKED = 0x80, 0x80
NORMAL, GOING_AWAY, SHUT_DOWN = 1000, 1001, 4000
"""Codes of a closed websocket: the worker is not wanted, may come again, or is to end."""

Entropy = Callable[[int], bytes]


@dataclass(frozen=True)
class Closed:
    """The other side has closed the websocket."""

    code: int
    reason: str


class Frames:
    """Both directions of an open websocket whose other side does not mask what it says.

    Its binary messages carry a stream of bytes; where one of them ends and the next begins means
    nothing. What this side says is masked if *is_masking*.
    """

    def __init__(self, *, is_masking: bool, entropy: Entropy = os.urandom) -> None:
        self._is_masking = is_masking
        self._entropy = entropy
        self._head = b""
        """The beginning of a frame of which too little has come, but for a message's content."""
        self._left = 0
        self._replies: list[bytes] = []
        self.closed: Optional[Closed] = None
        """How the other side has closed it, after all that was received."""

    def feed(self, data: bytes) -> list[Bytes]:
        """Take bytes; return pieces of the stream. Raises ProtocolError."""
        if self._head:
            data, self._head = self._head + data, b""
        pieces: list[Bytes] = []
        view = memoryview(data)
        at, length = 0, len(data)
        while at < length and self.closed is None:
            if self._left:
                end = min(at + self._left, length)
                pieces.append(view[at:end])
                self._left -= end - at
                at = end
                continue
            body = self._frame(data, at)
            if body is None:
                self._head = data[at:]
                break
            at = body
        return pieces

    def take(self) -> bytes:
        """Return what is to be sent in answer to what was received."""
        data = b"".join(self._replies)
        self._replies.clear()
        return data

    def data(self, piece: Bytes) -> tuple[Bytes, ...]:
        """Return the frame with a piece of the stream, in one part or in several."""
        if self._is_masking or len(piece) <= _SHORT:
            return (self._framed(_BINARY, bytes(piece)),)
        return _start(_BINARY, len(piece), 0), piece

    def ping(self) -> bytes:
        """Return a frame that the other side answers."""
        return self._framed(_PING, b"")

    def close(self, reason: bytes = b"", code: int = NORMAL) -> bytes:
        """Return the frame that closes the websocket; *reason* has at most 123 bytes."""
        return self._framed(_CLOSE, code.to_bytes(2, "big") + reason)

    def _frame(self, data: bytes, at: int) -> Optional[int]:
        """Begin a frame, or take one that is not a message; return where in *data* to go on.

        None, when too little of it has come.
        """
        if len(data) < at + 2:
            return None
        first, second = data[at], data[at + 1]
        if first & 0x70 or second & _MASKED:
            raise ProtocolError("a websocket frame that was not negotiated")
        opcode, length = first & 0x0F, second & 0x7F
        if opcode not in (_CONTINUATION, _BINARY, _CLOSE, _PING, _PONG):
            raise ProtocolError(f"a frame of kind {opcode} is not expected")
        if opcode >= _CLOSE and length > _LONGEST_CONTROL:
            raise ProtocolError("a control frame that is too long")
        size = {126: 2, 127: 8}.get(length, 0)
        body = at + 2 + size
        if len(data) < body:
            return None
        if size:
            length = int.from_bytes(data[at + 2 : body], "big")
        if opcode < _CLOSE:
            self._left = length
            return body
        if len(data) < body + length:
            return None
        self._control(opcode, data[body : body + length])
        return body + length

    def _control(self, opcode: int, body: bytes) -> None:
        if opcode == _CLOSE:
            code = int.from_bytes(body[:2], "big") if len(body) >= 2 else 1005
            self.closed = Closed(code, body[2:].decode(errors="replace"))
        if opcode == _PING:
            self._replies.append(self._framed(_PONG, body))

    def _framed(self, opcode: int, body: bytes) -> bytes:
        if not self._is_masking:
            return _start(opcode, len(body), 0) + body
        mask = self._entropy(4)
        return b"".join((_start(opcode, len(body), _MASKED), mask, _masked(body, mask)))


def _start(opcode: int, length: int, masked: int) -> bytes:
    """Return what a frame begins with."""
    if length < 126:
        return bytes((_FINAL | opcode, masked | length))
    if length < 1 << 16:
        return bytes((_FINAL | opcode, masked | 126)) + length.to_bytes(2, "big")
    return bytes((_FINAL | opcode, masked | 127)) + length.to_bytes(8, "big")


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
