"""Messages on a stream of bytes: each follows its length, four bytes, most significant first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

import msgspec

from chargehand_wire.messages import Message

M = TypeVar("M", bound=Message)

MAX_FRAME = 64 * 1024 * 1024
_PREFIX = 4

_encoder = msgspec.msgpack.Encoder()


class ProtocolError(Exception):
    """The other side does not speak this protocol; close the connection."""


def frame(message: Message) -> bytes:
    """Return *message* as it goes onto the stream."""
    buffer = bytearray(_PREFIX)
    _encoder.encode_into(message, buffer, _PREFIX)
    length = len(buffer) - _PREFIX
    if length > MAX_FRAME:
        raise ProtocolError(f"a message of {length} bytes is too long; at most {MAX_FRAME}")
    buffer[:_PREFIX] = length.to_bytes(_PREFIX, "big")
    return bytes(buffer)


class FrameReader(Generic[M]):
    """Takes bytes as they come, gives whole messages."""

    def __init__(self, decoder: msgspec.msgpack.Decoder[M]) -> None:
        self._decoder = decoder
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[M]:
        """Take *data* and yield each message that it completes. Raises ProtocolError."""
        self._buffer += data
        start = 0
        try:
            while (end := self._end_of_frame(start)) is not None:
                body = self._buffer[start + _PREFIX : end]
                start = end
                yield self._decode(body)
        finally:
            del self._buffer[:start]

    def _end_of_frame(self, start: int) -> int | None:
        if len(self._buffer) - start < _PREFIX:
            return None
        length = int.from_bytes(self._buffer[start : start + _PREFIX], "big")
        if length > MAX_FRAME:
            raise ProtocolError(f"a frame of {length} bytes is announced; at most {MAX_FRAME}")
        end = start + _PREFIX + length
        return end if end <= len(self._buffer) else None

    def _decode(self, body: bytearray) -> M:
        try:
            return self._decoder.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ProtocolError(f"a frame that is no message: {error}") from error
