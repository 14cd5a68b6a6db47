"""The messages that a running command sends most, recognised as a whole.

The general way, element by element, gives the same for them and costs many times as much: a short
command sends five such messages of fifteen to twenty-five elements each.
"""

from __future__ import annotations

import re
import struct

from chargehand_wire.pb.banana import MAX_STRING
from chargehand_wire.pb.events import Called

_NUMBER = rb"([\x00-\x7f]{1,5})\x81"
_CALL = rb"\x07\x80\x1a\x87" + _NUMBER + _NUMBER
_NO_KEYWORDS = b"\x01\x80\x05\x87"  # no character of which means something to `re`
_TEXT = rb"\x02\x80\x07\x82unicode"

_COMPLETE = rb"\x08\x82complete\x01\x81\x02\x80\x0b\x87\x01\x80\x01\x87" + _NO_KEYWORDS
_UPDATE = (
    rb"\x06\x82update\x01\x81"
    rb"\x02\x80\x0b\x87"  # a tuple of one
    rb"\x02\x80\x08\x87"  # list of one
    rb"\x03\x80\x08\x87"  # list of two:
    rb"\x02\x80\x05\x87\x02\x80"  # a dictionary with one pair, and 0
    + _TEXT
    + rb"([\x02\x06\x07])\x82(stdout|stderr|header|rc|elapsed)"
)
_UPDATE_END = b"\x00\x81" + _NO_KEYWORDS
_VALUE = _TEXT + rb"([\x00-\x7f]{1,3})\x82|" + _NUMBER + rb"|\x84(.{8})"

_MESSAGE = re.compile(
    _CALL + b"(?:" + _COMPLETE + b"|" + _UPDATE + b"(?:" + _VALUE + b"))", re.DOTALL
)
_COMMAND_HAS_ENDED = (None,)
_double = struct.Struct("!d").unpack


def recognised(buffer: bytes, start: int) -> tuple[Called, int] | None:
    """Return the call at *start*, and where it ends; None for everything else, and for calls that
    have not come as a whole."""
    found = _MESSAGE.match(buffer, start)
    if found is None:
        return None
    number, target, key_length, key, text_length, integer, real = found.groups()
    after = found.end()
    if key is None:
        return _called(number, target, "complete", _COMMAND_HAS_ENDED), after
    if key_length[0] != len(key):
        return None
    value: object
    if text_length is not None:
        length = _number(text_length)
        if length > MAX_STRING:
            return None
        value = buffer[after : after + length].decode("utf-8", "replace")
        after += length
    elif integer is not None:
        value = _number(integer)
    else:
        (value,) = _double(real)
    end = after + len(_UPDATE_END)
    if buffer[after:end] != _UPDATE_END:
        return None
    return _called(number, target, "update", ([[{key.decode(): value}, 0]],)), end


def _called(number: bytes, target: bytes, method: str, arguments: tuple[object, ...]) -> Called:
    return Called(_number(number), _number(target), method, arguments, {}, needs_answer=True)


def _number(digits: bytes) -> int:
    if len(digits) == 1:
        return digits[0]
    number = 0
    for digit in reversed(digits):
        number = number << 7 | digit
    return number
