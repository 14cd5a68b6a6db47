"""What the values of commands may be, and the form in which they travel.

Strings of the operating system (file names, variables, arguments) need not be text: Python keeps
their odd bytes as lone surrogates, and so they arrive. A value that cannot travel is refused before
anything is said of it, so that it costs nothing but the command it belongs to.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from uuid import UUID

from chargehand_wire.codec import Decoder, Ext, encode

_ODD_TEXT = 1
"""The extension of MessagePack for strings with surrogates."""
_ODD_MAPPING = 2
"""The extension for mappings whose keys are extensions, which MessagePack's encoder cannot take."""
_DEEPEST = 100
"""Both sides recurse when they read and write; neither shall come to the end of its stack."""
_LONGEST_REASON = 10_000
_LEAST, _GREATEST = -(2**63), 2**64 - 1

_SCALARS = frozenset({type(None), bool, int, float, str, bytes, bytearray})
_SEQUENCES = frozenset({list, tuple, set, frozenset})
_OTHERS = (date, datetime, time, timedelta, Decimal, UUID)


class Unsendable(Exception):
    """A value cannot go to the other side; the message says which, and why."""


def reason(text: str) -> str:
    """Return a sentence in a form, and of a length, that can always be sent."""
    if len(text) > _LONGEST_REASON:
        text = text[:_LONGEST_REASON] + " …"
    return text.encode("utf-8", "backslashreplace").decode()


def is_plain(value: object, levels: int = _DEEPEST) -> bool:
    """Return whether the encoder takes the value as it is, but for odd strings and integers."""
    kind = type(value)
    if kind in _SCALARS:
        return True
    if not levels:
        return False
    if kind is dict:
        assert isinstance(value, dict)
        return _are_plain(value, levels) and _are_plain(value.values(), levels)
    if kind in _SEQUENCES:
        assert isinstance(value, Collection)
        return _are_plain(value, levels)
    return False


def _are_plain(values: Collection[object], levels: int) -> bool:
    if _SCALARS.issuperset(map(type, values)):  # Nearly always, and all of it in C.
        return True
    for value in values:
        if type(value) not in _SCALARS and not is_plain(value, levels - 1):
            return False
    return True


def portable(value: object, name: str, levels: int = _DEEPEST) -> object:
    """Return what the encoder takes for *value*, which is called *name*. Raises Unsendable."""
    if value is None or isinstance(value, (bool, bytearray, *_OTHERS)):
        return value
    if isinstance(value, bytes):
        return bytes(value)
    if isinstance(value, Enum):
        return portable(value.value, name, levels)
    if isinstance(value, str):
        return _portable_text(value)
    if isinstance(value, int):
        return _portable_number(value, name)
    if isinstance(value, float):
        return float(value)
    if not levels:
        raise Unsendable(f"{name} is nested more than {_DEEPEST} levels deep")
    if isinstance(value, dict):
        return _portable_mapping(value, name, levels - 1)
    if isinstance(value, (list, tuple, set, frozenset)):
        return [portable(item, f"{name}[{place}]", levels - 1) for place, item in enumerate(value)]
    raise Unsendable(f"{name} is of the type {type(value).__name__}, which cannot be sent")


def _portable_number(number: int, name: str) -> int:
    if not _LEAST <= number <= _GREATEST:
        raise Unsendable(f"{name} is a number of more than 64 bits")
    return int(number)


def _portable_text(text: str) -> object:
    try:
        text.encode()
    except UnicodeEncodeError:
        return Ext(_ODD_TEXT, text.encode("utf-8", "surrogatepass"))
    return str(text)


def _portable_mapping(values: dict[object, object], name: str, levels: int) -> object:
    pairs = [
        (_portable_key(key, name, levels), portable(value, f"{name}[{key!r}]", levels))
        for key, value in values.items()
    ]
    if any(isinstance(key, Ext) for key, _ in pairs):
        return Ext(_ODD_MAPPING, encode(pairs))
    return dict(pairs)


def _portable_key(key: object, name: str, levels: int) -> object:
    told = portable(key, f"a key of {name}", levels)
    if not isinstance(told, list):
        return told
    try:
        hash(key := tuple(told))
    except TypeError as error:
        raise Unsendable(f"{name} has a key that cannot be sent: {key!r}") from error
    return key


def _from_extension(code: int, data: memoryview) -> object:
    if code == _ODD_TEXT:
        return bytes(data).decode("utf-8", "surrogatepass")
    if code == _ODD_MAPPING:
        return {_as_key(key): value for key, value in _pairs.decode(data)}
    raise ValueError(f"extension {code} is not known")


def _as_key(key: object) -> object:
    """Return a key as MessagePack's decoder does where it knows that it is one."""
    return tuple(map(_as_key, key)) if isinstance(key, list) else key


_pairs = Decoder(list[tuple[object, object]], ext_hook=_from_extension)

from_extension: Callable[[int, memoryview], object] = _from_extension
"""What decoders of messages make of extensions."""
