"""MessagePack in Python: plain values to bytes and back."""

from __future__ import annotations

import struct
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from typing import Any, Optional
from uuid import UUID

_DEEPEST = 512
"""Deeper values are refused before Python's own stack ends."""
_TIMESTAMP = -1
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_SECOND = timedelta(seconds=1)


class DecodeError(ValueError):
    """The bytes are not a value of MessagePack."""


class Ext:
    """A value of an extension: a code and bytes."""

    __slots__ = ("code", "data")

    def __init__(self, code: int, data: bytes) -> None:
        self.code = code
        self.data = data

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ext) and (self.code, self.data) == (other.code, other.data)

    def __hash__(self) -> int:
        return hash((self.code, self.data))


Write = Callable[[bytes], object]
ExtHook = Callable[[int, memoryview], object]


def write(value: object, out: Write) -> None:
    """Write a value. Raises TypeError, OverflowError, UnicodeEncodeError."""
    if value is None:
        out(b"\xc0")
    elif isinstance(value, bool):
        out(b"\xc3" if value else b"\xc2")
    elif isinstance(value, Enum):
        write(value.value, out)
    elif isinstance(value, int):
        _write_integer(value, out)
    elif isinstance(value, float):
        out(struct.pack(">Bd", 0xCB, value))
    elif isinstance(value, str):
        data = value.encode()
        _write_head(len(data), out, fixed=(0xA0, 32), longer=(0xD9, 0xDA, 0xDB))
        out(data)
    elif isinstance(value, (bytes, bytearray, memoryview)):
        _write_head(len(value), out, fixed=None, longer=(0xC4, 0xC5, 0xC6))
        out(bytes(value))
    elif isinstance(value, (list, tuple, set, frozenset)):
        _write_head(len(value), out, fixed=(0x90, 16), longer=(None, 0xDC, 0xDD))
        for item in value:
            write(item, out)
    elif isinstance(value, dict):
        _write_head(len(value), out, fixed=(0x80, 16), longer=(None, 0xDE, 0xDF))
        for key, held in value.items():
            write(key, out)
            write(held, out)
    else:
        _write_other(value, out)


def _write_other(value: object, out: Write) -> None:
    if isinstance(value, Ext):
        _write_extension(value.code, value.data, out)
    elif isinstance(value, datetime) and value.tzinfo is not None:
        _write_extension(_TIMESTAMP, _timestamp(value), out)
    elif isinstance(value, (datetime, date, time)):
        write(value.isoformat(), out)
    elif isinstance(value, timedelta):
        write(_duration(value), out)
    elif isinstance(value, (Decimal, UUID)):
        write(str(value), out)
    else:
        raise TypeError(f"encoding objects of type {type(value).__name__} is unsupported")


def _write_integer(value: int, out: Write) -> None:
    if -32 <= value < 128:
        out(struct.pack(">b" if value < 0 else ">B", value))
        return
    kinds = "bhiq" if value < 0 else "BHIQ"
    for place, kind in enumerate(kinds):
        bits = 8 << place
        if -(1 << (bits - 1)) <= value < (1 << bits):
            out(struct.pack(">B" + kind, (0xD0 if value < 0 else 0xCC) + place, value))
            return
    raise OverflowError("can't serialize integers >= 2**64 or < -2**63")


def _write_head(
    length: int,
    out: Write,
    *,
    fixed: Optional[tuple[int, int]],
    longer: tuple[Optional[int], int, int],
) -> None:
    if fixed is not None and length < fixed[1]:
        out(bytes((fixed[0] | length,)))
    elif longer[0] is not None and length < 1 << 8:
        out(struct.pack(">BB", longer[0], length))
    elif length < 1 << 16:
        out(struct.pack(">BH", longer[1], length))
    elif length < 1 << 32:
        out(struct.pack(">BI", longer[2], length))
    else:
        raise ValueError("too long for MessagePack")


def _write_extension(code: int, data: bytes, out: Write) -> None:
    fixed = {1: 0xD4, 2: 0xD5, 4: 0xD6, 8: 0xD7, 16: 0xD8}.get(len(data))
    if fixed is not None:
        out(bytes((fixed,)))
    else:
        _write_head(len(data), out, fixed=None, longer=(0xC7, 0xC8, 0xC9))
    out(struct.pack(">b", code))
    out(data)


def _timestamp(moment: datetime) -> bytes:
    since = moment - _EPOCH
    seconds, rest = since // _SECOND, since % _SECOND
    nanoseconds = rest.microseconds * 1000
    if not 0 <= seconds < 1 << 34:
        return struct.pack(">Iq", nanoseconds, seconds)
    if nanoseconds or seconds >= 1 << 32:
        return struct.pack(">Q", nanoseconds << 34 | seconds)
    return struct.pack(">I", seconds)


def _moment(data: bytes) -> datetime:
    if len(data) == 4:
        nanoseconds, seconds = 0, int.from_bytes(data, "big")
    elif len(data) == 8:
        both = int.from_bytes(data, "big")
        nanoseconds, seconds = both >> 34, both & ((1 << 34) - 1)
    elif len(data) == 12:
        nanoseconds, seconds = struct.unpack(">Iq", data)
    else:
        raise DecodeError("a timestamp of a wrong length")
    if nanoseconds > 999_999_999:
        raise DecodeError("a timestamp with too many nanoseconds")
    try:
        return _EPOCH + timedelta(seconds=seconds, microseconds=(nanoseconds + 500) // 1000)
    except OverflowError as error:
        raise DecodeError("a timestamp out of range") from error


def _duration(value: timedelta) -> str:
    sign, value = ("-", -value) if value < timedelta(0) else ("", value)
    seconds = f"{value.seconds + value.microseconds / 1_000_000:.6f}".rstrip("0").rstrip(".")
    days = f"{value.days}D" if value.days else ""
    part = f"T{seconds}S" if seconds != "0" or not days else ""
    return f"{sign}P{days}{part}"


class Reader:
    """Reads values from bytes, which end with the last one."""

    def __init__(self, data: bytes, ext_hook: Optional[ExtHook] = None) -> None:
        self._data = data
        self._at = 0
        self._ext_hook = ext_hook

    def whole(self) -> object:
        """Return the only value. Raises DecodeError."""
        value = self._value(_DEEPEST)
        if self._at != len(self._data):
            raise DecodeError("more bytes than one value")
        return value

    def _take(self, count: int) -> bytes:
        end = self._at + count
        if end > len(self._data):
            raise DecodeError("the bytes end within a value")
        data = self._data[self._at : end]
        self._at = end
        return data

    def _number(self, kind: str) -> Any:
        return struct.unpack(">" + kind, self._take(struct.calcsize(">" + kind)))[0]

    def _value(self, levels: int) -> object:
        if not levels:
            raise RecursionError("a value is nested too deep")
        code = self._take(1)[0]
        if code < 0x80:
            return code
        if code >= 0xE0:
            return code - 0x100
        if code < 0x90:
            return self._mapping(code & 15, levels)
        if code < 0xA0:
            return self._sequence(code & 15, levels)
        if code < 0xC0:
            return self._text(code & 31)
        return self._long(code, levels)

    def _long(self, code: int, levels: int) -> object:
        if code in _CONSTANTS:
            return _CONSTANTS[code]
        if code in _NUMBERS:
            return self._number(_NUMBERS[code])
        if code in _FIXED_EXTENSIONS:
            return self._extension(_FIXED_EXTENSIONS[code])
        kind, length = _LONG.get(code, ("", ""))
        if not kind:
            raise DecodeError(f"no value of MessagePack begins with {code:#x}")
        count = self._number(length)
        if kind == "bytes":
            return self._take(count)
        if kind == "text":
            return self._text(count)
        if kind == "extension":
            return self._extension(count)
        return (self._sequence if kind == "sequence" else self._mapping)(count, levels)

    def _text(self, count: int) -> str:
        return self._take(count).decode()

    def _sequence(self, count: int, levels: int) -> list[object]:
        return [self._value(levels - 1) for _ in range(count)]

    def _mapping(self, count: int, levels: int) -> dict[object, object]:
        found: dict[object, object] = {}
        for _ in range(count):
            key = _as_key(self._value(levels - 1))
            try:
                found[key] = self._value(levels - 1)
            except TypeError as error:
                raise DecodeError(f"a key that cannot be one: {error}") from error
        return found

    def _extension(self, count: int) -> object:
        code = self._number("b")
        data = self._take(count)
        if code == _TIMESTAMP:
            return _moment(data)
        return Ext(code, data) if self._ext_hook is None else self._ext_hook(code, memoryview(data))


def _as_key(key: object) -> object:
    return tuple(map(_as_key, key)) if isinstance(key, list) else key


_CONSTANTS = {0xC0: None, 0xC2: False, 0xC3: True}
_NUMBERS = {0xCA: "f", 0xCB: "d", **dict(zip(range(0xCC, 0xD4), "BHIQbhiq"))}
_FIXED_EXTENSIONS = {0xD4: 1, 0xD5: 2, 0xD6: 4, 0xD7: 8, 0xD8: 16}
_LONG = {
    **dict(zip((0xC4, 0xC5, 0xC6), (("bytes", kind) for kind in "BHI"))),
    **dict(zip((0xC7, 0xC8, 0xC9), (("extension", kind) for kind in "BHI"))),
    **dict(zip((0xD9, 0xDA, 0xDB), (("text", kind) for kind in "BHI"))),
    **dict(zip((0xDC, 0xDD), (("sequence", kind) for kind in "HI"))),
    **dict(zip((0xDE, 0xDF), (("mapping", kind) for kind in "HI"))),
}
