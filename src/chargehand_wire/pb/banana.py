"""Banana: nested lists of texts and numbers on a stream of bytes."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

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
_SHORT = 2**31
_LONGEST_NUMBER = 2 ** (7 * _LONGEST_PREFIX)
_DOUBLE = struct.Struct("!d")
_WORDS = {word: bytes([index, _WORD]) for index, word in enumerate(VOCABULARY) if word}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much one expression may be."""

    size: int
    """Bytes."""
    elements: int
    """Texts, numbers and lists together."""
    depth: int = 32


class BananaReader:
    """Takes bytes as they come, gives whole expressions; it keeps what it has read of one."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._buffer = b""
        self._size = 0
        self._elements = 0
        self._open: list[tuple[int, list[Expression]]] = []
        """The lists that are not complete, outermost first, each with its length."""

    def feed(self, data: bytes) -> Iterator[Expression]:
        """Take *data* and yield each expression that it completes. Raises ProtocolError."""
        buffer = self._buffer + data if self._buffer else data
        self._size += len(data)
        start, end = 0, len(buffer)
        try:
            while start < end:
                position = start
                while buffer[position] < _LIST:  # the digits of the prefix
                    position += 1
                    if position == end:
                        break
                if position - start > _LONGEST_PREFIX:
                    raise ProtocolError("a number in front of an element is too long")
                if position == end:
                    break
                size = self._size_of(buffer, start, position)
                after = position + 1 + size
                if after > end:
                    break
                item = self._item(buffer, start, position, size)
                start = after
                whole = self._put(item)
                if whole is not None:
                    self._size, self._elements = end - start, 0
                    yield whole
        finally:
            self._buffer = buffer[start:]
        if self._size > self.limits.size:
            raise ProtocolError(f"a message has more than {self.limits.size} bytes")

    def _size_of(self, buffer: bytes, start: int, position: int) -> int:
        """Return how many bytes follow the type."""
        match buffer[position]:
            case 0x82:
                length = _number(buffer, start, position)
                if length > min(MAX_STRING, self.limits.size):
                    raise ProtocolError(f"a text of {length} bytes is announced")
                return length
            case 0x84:
                return _DOUBLE.size
            case _:
                return 0

    def _item(self, buffer: bytes, start: int, position: int, size: int) -> Expression:
        kind = buffer[position]
        if kind == _STRING:
            return buffer[position + 1 : position + 1 + size]
        if kind == _FLOAT:
            found: float = _DOUBLE.unpack_from(buffer, position + 1)[0]
            return found
        number = _number(buffer, start, position)
        match kind:
            case 0x81 | 0x85:
                return number
            case 0x83 | 0x86:
                return -number
            case 0x87:
                if not 0 < number < len(VOCABULARY):
                    raise ProtocolError(f"word {number} is not in the vocabulary")
                return VOCABULARY[number]
            case 0x80:
                if number > self.limits.elements:
                    raise ProtocolError(f"a list of {number} elements is announced")
                if len(self._open) >= self.limits.depth:
                    raise ProtocolError("lists are nested too deeply")
                new: list[Expression] = []
                if number:
                    self._open.append((number, new))
                return new
            case _:
                raise ProtocolError(f"type {kind:#x} is not known")

    def _put(self, item: Expression) -> Expression | None:
        """Add an element to its list; return the expression that is complete by now."""
        self._elements += 1
        if self._elements > self.limits.elements:
            raise ProtocolError(f"a message has more than {self.limits.elements} elements")
        unfinished = self._open
        if unfinished and unfinished[-1][1] is item:  # It was opened just now.
            return None
        while unfinished:
            length, elements = unfinished[-1]
            elements.append(item)
            if len(elements) < length:
                return None
            unfinished.pop()
            item = elements
        return item


def _number(buffer: bytes, start: int, position: int) -> int:
    if position - start == 1:
        return buffer[start]
    number = 0
    for digit in reversed(buffer[start:position]):
        number = number << 7 | digit
    return number


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
    if not -_LONGEST_NUMBER < number < _LONGEST_NUMBER:
        raise Unsendable("a number is too long to be sent to this worker")
    if number >= 0:
        return digits(number) + (b"\x81" if number < _SHORT else b"\x85")
    return digits(-number) + (b"\x83" if -number <= _SHORT else b"\x86")


def real(number: float) -> bytes:
    """Return a floating-point number as it travels."""
    return b"\x84" + _DOUBLE.pack(number)


def digits(number: int) -> bytes:
    """Return a number to the base 128, the least significant digit first."""
    if number < 128:
        return bytes((number,))
    found = bytearray()
    while number:
        found.append(number & 0x7F)
        number >>= 7
    return bytes(found)
