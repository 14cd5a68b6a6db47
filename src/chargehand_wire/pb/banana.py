"""Banana: nested lists of texts and numbers on a stream of bytes."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from chargehand_wire.framing import ProtocolError
from chargehand_wire.values import Unsendable

Expression = int | float | bytes | list["Expression"]

VOCABULARY = (
    b"",
    b"None",
    b"class",
    b"dereference",
    b"reference",
    b"dictionary",
    b"function",
    b"instance",
    b"list",
    b"module",
    b"persistent",
    b"tuple",
    b"unpersistable",
    b"copy",
    b"cache",
    b"cached",
    b"remote",
    b"local",
    b"lcache",
    b"version",
    b"login",
    b"password",
    b"challenge",
    b"logged_in",
    b"not_logged_in",
    b"cachemessage",
    b"message",
    b"answer",
    b"error",
    b"decref",
    b"decache",
    b"uncache",
)
"""Words of the dialect ``pb``, which travel as their index."""

MAX_STRING = 640 * 1024
"""Bytes of one text or elements of one list; Twisted takes no more."""

_LIST, _INT, _STRING, _NEGATIVE, _FLOAT, _LONG, _LONG_NEGATIVE, _WORD = range(0x80, 0x88)
_LONGEST_PREFIX = 64
_MOST_PIECES = 64
"""Of one text: each may be a single byte, which would take many times its own memory."""
_SHORT = 2**31
_LONGEST_NUMBER = 2 ** (7 * _LONGEST_PREFIX)
_DOUBLE = struct.Struct("!d")
_DIGITS = [bytes((number,)) for number in range(128)]
_WORDS = {word: bytes([index, _WORD]) for index, word in enumerate(VOCABULARY) if word}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much one expression may be."""

    size: int
    """Bytes."""
    elements: int
    """Texts, numbers and lists together."""
    depth: int = 32


Message = TypeVar("Message")
"""What a shortcut makes of an expression."""


class BananaReader(Generic[Message]):
    """Takes bytes as they come, gives whole expressions; it keeps what it has read of one."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.shortcut: Callable[[bytes, int], tuple[Message, int] | None] | None = None
        """Returns what an expression that begins somewhere in the bytes means, and where it ends;
        None if it has to be read element by element."""
        self._pieces: list[bytes] = []
        """What has come and is not read; put together when it can be."""
        self._awaited = 0
        """How many bytes are missing of the text that is next."""
        self._size = 0
        self._promised = 0
        """How many elements the lists of this expression have, read or not."""
        self._open: list[tuple[list[Expression], int]] = []
        """The lists that are not complete, outermost first, each with the number of elements
        that it lacks."""

    def feed(self, data: bytes) -> Iterator[Expression | Message]:
        """Take *data* and yield each expression that it completes, or what the shortcut makes of
        it. Raises ProtocolError."""
        self._size += len(data)
        if len(data) < self._awaited:
            self._awaited -= len(data)
            self._pieces.append(data)
            if len(self._pieces) > _MOST_PIECES:
                self._pieces = [b"".join(self._pieces)]
            self._check_size()
            return
        if self._pieces:
            self._pieces.append(data)
            data = b"".join(self._pieces)
        yield from self._read(data)
        self._check_size()

    def _read(self, buffer: bytes) -> Iterator[Expression | Message]:
        """Yield what is complete, and keep the rest."""
        start, end = 0, len(buffer)
        awaited = 0
        unfinished, shortcut = self._open, self.shortcut
        try:
            while start < end:
                if (
                    shortcut is not None
                    and not unfinished
                    and (found := shortcut(buffer, start)) is not None
                ):
                    message, start = found
                    self._size = end - start
                    yield message
                    continue
                number, kind, after = buffer[start], 0, start + 1
                if number < _LIST and after < end:
                    kind = buffer[after]
                    after += 1
                if kind < _LIST:  # The rare kinds of beginnings.
                    number, kind, after = _head(buffer, start, end)
                if kind == _STRING:
                    self._announce_text(number)
                    if after + number > end:
                        awaited = after + number - end
                        break
                    item: Expression = buffer[after : after + number]
                    after += number
                elif kind == _LIST:
                    item = self._announce_list(number)
                    if number:
                        unfinished.append((item, number))
                        start = after
                        continue
                elif kind == _FLOAT:
                    if after + _DOUBLE.size > end:
                        break
                    (item,) = _DOUBLE.unpack_from(buffer, after)
                    after += _DOUBLE.size
                elif kind:
                    item = _atom(kind, number)
                else:
                    break
                start = after
                while unfinished:
                    elements, missing = unfinished.pop()
                    elements.append(item)
                    if missing > 1:
                        unfinished.append((elements, missing - 1))
                        break
                    item = elements
                else:
                    self._size, self._promised = end - start, 0
                    yield item
        finally:
            self._awaited = awaited
            self._pieces = [buffer[start:]] if start < end else []

    def _check_size(self) -> None:
        if self._size > self.limits.size:
            raise ProtocolError(f"a message has more than {self.limits.size} bytes")

    def _announce_text(self, length: int) -> None:
        if length > MAX_STRING or length > self.limits.size:
            raise ProtocolError(f"a text of {length} bytes is announced")

    def _announce_list(self, length: int) -> list[Expression]:
        """Return a new list; its elements are counted before they come."""
        if length > self.limits.elements:
            raise ProtocolError(f"a list of {length} elements is announced")
        self._promised += length
        if self._promised > self.limits.elements:
            raise ProtocolError(f"a message has more than {self.limits.elements} elements")
        if len(self._open) >= self.limits.depth:
            raise ProtocolError("lists are nested too deeply")
        return []


def _head(buffer: bytes, start: int, end: int) -> tuple[int, int, int]:
    """Return the number and the type of an element, and where the rest of it begins.

    The type is 0 if they have not come as a whole.
    """
    after = start
    while after < end and buffer[after] < _LIST:
        after += 1
    if after - start > _LONGEST_PREFIX:
        raise ProtocolError("a number in front of an element is too long")
    if after == end:
        return 0, 0, after
    number = 0
    for digit in reversed(buffer[start:after]):
        number = number << 7 | digit
    return number, buffer[after], after + 1


def _atom(kind: int, number: int) -> Expression:
    match kind:
        case 0x81 | 0x85:
            return number
        case 0x83 | 0x86:
            return -number
        case 0x87:
            if not 0 < number < len(VOCABULARY):
                raise ProtocolError(f"word {number} is not in the vocabulary")
            return VOCABULARY[number]
        case _:
            raise ProtocolError(f"type {kind:#x} is not known")


def text(data: bytes) -> bytes:
    """Return a text as it travels. Raises Unsendable."""
    if (word := _WORDS.get(data)) is not None:
        return word
    if len(data) > MAX_STRING:
        raise Unsendable(
            f"a text of {len(data)} bytes cannot be sent to this worker (limit: {MAX_STRING})"
        )
    return b"%s\x82%s" % (digits(len(data)), data)


def opening(length: int) -> bytes:
    """Return the beginning of a list. Raises Unsendable."""
    if length > MAX_STRING:
        raise Unsendable(
            f"a list of {length} elements cannot be sent to this worker (limit: {MAX_STRING})"
        )
    return digits(length) + b"\x80"


def integer(number: int) -> bytes:
    """Return a number as it travels. Raises Unsendable."""
    if 0 <= number < _SHORT:
        return digits(number) + b"\x81"
    if not -_LONGEST_NUMBER < number < _LONGEST_NUMBER:
        raise Unsendable("a number is too long to be sent to this worker")
    if number >= 0:
        return digits(number) + b"\x85"
    return digits(-number) + (b"\x83" if -number <= _SHORT else b"\x86")


def real(number: float) -> bytes:
    """Return a floating-point number as it travels."""
    return b"\x84" + _DOUBLE.pack(number)


def digits(number: int) -> bytes:
    """Return a number to the base 128, the least significant digit first."""
    if number < 128:
        return _DIGITS[number]
    if number < 16384:
        return bytes((number & 0x7F, number >> 7))
    found = bytearray()
    while number:
        found.append(number & 0x7F)
        number >>= 7
    return bytes(found)
