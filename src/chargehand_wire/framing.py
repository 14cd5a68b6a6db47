"""Messages on a stream of bytes: each follows its length, four bytes, most significant first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar, Union

from chargehand_wire.codec import DecodeError, Decoder, Encoder, replace
from chargehand_wire.messages import Message
from chargehand_wire.values import Unsendable, is_plain, portable

M = TypeVar("M", bound=Message)

MAX_FRAME = 64 * 1024 * 1024
_PREFIX = 4
_MEBIBYTE = 1024 * 1024
_LONG = 128 * 1024
"""Bytes of a frame that is not copied without need."""
_LONGEST_KEPT = 3 * _MEBIBYTE
"""Bytes of memory that wait for the next long frame."""
_ROOM = 256 * 1024
"""Bytes that may come at once between long frames."""
Bytes = Union[bytes, memoryview]

_encoder = Encoder()


class ProtocolError(Exception):
    """The other side does not speak this protocol; close the connection."""


def frame(message: Message) -> Bytes:
    """Return *message* as it goes onto the stream. Raises Unsendable."""
    try:
        return _measured(_encoded(message))
    except UnicodeEncodeError as error:
        raise Unsendable(f"{error.object!r} has characters that cannot be sent") from error


def frame_with(message: M, field: str, name: str) -> Bytes:
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


def _measured(buffer: bytearray) -> Bytes:
    length = len(buffer) - _PREFIX
    if length > MAX_FRAME:
        raise Unsendable(
            f"{length / _MEBIBYTE:,.1f} MiB are too much to send at once"
            f" (limit: {MAX_FRAME // _MEBIBYTE} MiB)"
        )
    buffer[:_PREFIX] = length.to_bytes(_PREFIX, "big")
    return bytes(buffer) if length < _LONG else memoryview(buffer)


def parcels(frames: list[Bytes]) -> list[Bytes]:
    """Return frames as they are best written: what is short together, what is long uncopied."""
    if sum(len(frame) for frame in frames) <= _LONG:
        return [b"".join(frames)]
    written: list[Bytes] = []
    short: list[Bytes] = []
    for frame in frames:
        if len(frame) < _LONG:
            short.append(frame)
            continue
        written += (*_together(short), frame)
        short.clear()
    return [*written, *_together(short)]


def _together(short: list[Bytes]) -> list[Bytes]:
    return [b"".join(short)] if short else []


class FrameReader(Generic[M]):
    """Takes bytes as they come, gives whole messages.

    What does not come at once is put together in its place, so that a long message is copied
    once.
    """

    def __init__(self, decoder: Decoder[M]) -> None:
        self._decoder = decoder
        self._rest = b""
        """The beginning of a frame: less than its length, or what was not asked for."""
        self._place = memoryview(b"")
        """Where the body of the frame under way is put together; kept for the next."""
        self._desk = memoryview(b"")
        """Where bytes are put that do not continue a long frame."""
        self._length = 0
        """How long that body is; 0, when there is none under way."""
        self._come = 0
        """How much of it has come."""

    def room(self) -> memoryview:
        """Return where to put what comes next; `came` takes it. A long frame goes to its place."""
        if self._length:
            return self._place[self._come : self._length]
        if not self._desk:
            self._desk = memoryview(bytearray(_ROOM))
        return self._desk

    def came(self, count: int) -> Iterator[M]:
        """Take so many bytes that were put into the `room`, and yield as `feed` does."""
        if not self._length:
            yield from self.feed(self._desk[:count])
            return
        self._come += count
        if self._come == self._length:
            yield self._completed()

    def feed(self, data: Bytes) -> Iterator[M]:
        """Take *data* and yield each message that it completes. Raises ProtocolError."""
        if self._rest:
            data, self._rest = self._rest + data, b""
        view = memoryview(data)
        at, end = 0, len(view)
        try:
            if self._length:
                at = self._continue(view)
                if self._come < self._length:
                    return
                yield self._completed()
            while (body := at + _PREFIX) <= end:
                length = int.from_bytes(view[at:body], "big")
                if length > MAX_FRAME:
                    raise _too_long(length)
                if length > end - body:
                    self._begin(view[body:], length)
                    at = end
                    return
                at = body + length
                yield self._decode(view[body:at])
        finally:
            if at < end:
                self._rest = bytes(view[at:])

    def _begin(self, piece: memoryview, length: int) -> None:
        if len(self._place) < length:
            self._place = memoryview(bytearray(length))
        self._length, self._come = length, 0
        self._continue(piece)

    def _continue(self, view: memoryview) -> int:
        """Put the next piece into its place; return how much of it belongs there."""
        count = min(len(view), self._length - self._come)
        self._place[self._come : self._come + count] = view[:count]
        self._come += count
        return count

    def _completed(self) -> M:
        place, length = self._place, self._length
        if length > _LONGEST_KEPT:
            self._place = memoryview(b"")
        self._length = 0
        return self._decode(place[:length])

    def _decode(self, body: memoryview) -> M:
        try:
            return self._decoder.decode(body)
        except (DecodeError, ValueError, RecursionError) as error:
            raise ProtocolError(f"not a message: {error}") from error


def _too_long(length: int) -> ProtocolError:
    return ProtocolError(f"a frame of {length} bytes is announced; at most {MAX_FRAME}")
