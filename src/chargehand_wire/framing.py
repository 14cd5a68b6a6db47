"""Messages on a stream of bytes: each follows its length, four bytes, most significant first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

from chargehand_wire.codec import DecodeError, Decoder, Encoder, replace
from chargehand_wire.messages import Message
from chargehand_wire.values import Unsendable, is_plain, portable

M = TypeVar("M", bound=Message)

MAX_FRAME = 64 * 1024 * 1024
_PREFIX = 4
_MEBIBYTE = 1024 * 1024

_encoder = Encoder()


class ProtocolError(Exception):
    """The other side does not speak this protocol; close the connection."""


def frame(message: Message) -> bytes:
    """Return *message* as it goes onto the stream. Raises Unsendable."""
    try:
        return _measured(_encoded(message))
    except UnicodeEncodeError as error:
        raise Unsendable(f"{error.object!r} has characters that cannot be sent") from error


def frame_with(message: M, field: str, name: str) -> bytes:
    """Return a message of which one *field* may have any value; people know it as *name*.

    Raises Unsendable.
    """
    value = getattr(message, field)
    try:
        if is_plain(value):
            return _measured(_encoded(message))
    except Unsendable as error:
        raise Unsendable(f"{name}: {error}") from error
    except (UnicodeEncodeError, OverflowError):
        pass  # Some string or number in it needs another form, or has none.
    return frame(replace(message, **{field: portable(value, name)}))


def _encoded(message: Message) -> bytearray:
    buffer = bytearray(_PREFIX)
    _encoder.encode_into(message, buffer, _PREFIX)
    return buffer


def _measured(buffer: bytearray) -> bytes:
    length = len(buffer) - _PREFIX
    if length > MAX_FRAME:
        raise Unsendable(
            f"{length / _MEBIBYTE:,.1f} MiB are too much to send at once"
            f" (limit: {MAX_FRAME // _MEBIBYTE} MiB)"
        )
    buffer[:_PREFIX] = length.to_bytes(_PREFIX, "big")
    return bytes(buffer)


class FrameReader(Generic[M]):
    """Takes bytes as they come, gives whole messages."""

    def __init__(self, decoder: Decoder[M]) -> None:
        self._decoder = decoder
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[M]:
        """Take *data* and yield each message that it completes. Raises ProtocolError."""
        buffer = self._buffer
        buffer += data
        start, length = 0, len(buffer)
        try:
            while (body := start + _PREFIX) <= length:
                end = body + int.from_bytes(buffer[start:body], "big")
                if end - body > MAX_FRAME:
                    announced = end - body
                    raise ProtocolError(
                        f"a frame of {announced} bytes is announced; at most {MAX_FRAME}"
                    )
                if end > length:
                    return
                start = end
                yield self._decode(buffer[body:end])
        finally:
            del buffer[:start]

    def _decode(self, body: bytearray) -> M:
        try:
            return self._decoder.decode(body)
        except (DecodeError, ValueError, RecursionError) as error:
            raise ProtocolError(f"not a message: {error}") from error
