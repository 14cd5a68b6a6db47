"""Jelly: values as expressions, as far as masters and workers send them to each other."""

from __future__ import annotations

import marshal
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from chargehand_wire.framing import ProtocolError
from chargehand_wire.pb import banana
from chargehand_wire.pb.banana import Expression
from chargehand_wire.values import Unsendable

_DEEPEST = 30
_SHORT = 40
"""Characters of texts that are kept as they travel."""
_MANY = 4
"""Pairs of dictionaries that are kept as they travel."""
_LONGEST_KEPT = 4096
_MOST_KEPT = 256


@dataclass(frozen=True, slots=True)
class Reference:
    """An object of the other side."""

    number: int


@dataclass(frozen=True, slots=True)
class Own:
    """An object of our side, which the other side can call."""

    number: int


@dataclass(frozen=True, slots=True)
class Copied:
    """The state of an object of some class that was sent as a copy: a failure, as a rule."""

    kind: str
    state: object


def copied(kind: str, state: Mapping[str, object]) -> bytes:
    """Return an object of a class as it travels. Raises Unsendable."""
    return banana.opening(2) + banana.text(kind.encode()) + encoded(dict(state))


def encoded(value: object, levels: int = _DEEPEST) -> bytes:
    """Return a value as it travels. Raises Unsendable."""
    parts: list[bytes] = []
    _put(value, levels, parts)
    return b"".join(parts)


def _put(value: object, levels: int, parts: list[bytes]) -> None:
    """Add a value as it travels to *parts*: one list for all, because values have many pieces."""
    if isinstance(value, str):
        parts.append(_frequent_text(value) if len(value) <= _SHORT else _text(value))
    elif value is None:
        parts.append(_NONE)
    elif isinstance(value, dict | list | tuple):
        if not levels:
            raise Unsendable("a value is nested too deeply to be sent to this worker")
        if isinstance(value, dict) and len(value) >= _MANY:
            parts.append(_frequent_items(value, levels - 1))
        else:
            _put_items(value, levels - 1, parts)
    else:
        parts.append(_scalar(value))


_kept: dict[tuple[int, bytes], bytes] = {}
"""Dictionaries as they travel: a command's arguments are often those of the last one, or of the
same step in the last build."""


def _frequent_items(value: dict[object, object], levels: int) -> bytes:
    """Return a dictionary as it travels, once more if the same one has travelled.

    Python's own encoding tells values of different types apart, which compare equal.
    """
    try:
        description = marshal.dumps(value, 0)
    except ValueError:  # Something is in it that only we can encode, or nobody.
        description = b""
    is_kept = 0 < len(description) <= _LONGEST_KEPT
    if is_kept and (found := _kept.get((levels, description))) is not None:
        return found
    parts: list[bytes] = []
    _put_items(value, levels, parts)
    data = b"".join(parts)
    if is_kept:
        if len(_kept) >= _MOST_KEPT:
            _kept.clear()
        _kept[levels, description] = data
    return data


def _put_items(
    value: dict[object, object] | list[object] | tuple[object, ...],
    levels: int,
    parts: list[bytes],
) -> None:
    parts.append(banana.opening(len(value) + 1))
    if isinstance(value, dict):
        parts.append(_DICTIONARY)
        for key, item in value.items():
            if isinstance(key, str) and _is_frequent(item):
                parts.append(_frequent_pair(key, item))
                continue
            parts.append(_PAIR)
            _put(key, levels, parts)
            _put(item, levels, parts)
        return
    parts.append(_LIST if isinstance(value, list) else _TUPLE)
    for item in value:
        _put(item, levels, parts)


def _scalar(value: object) -> bytes:
    match value:
        case bool():
            return _TRUE if value else _FALSE
        case int():
            return banana.integer(value)
        case bytes():
            return banana.text(value)
        case float():
            return banana.real(value)
        case Own():
            return _REMOTE + banana.integer(value.number)
        case Reference():
            return _LOCAL + banana.integer(value.number)
    raise Unsendable(f"a value of the type {type(value).__name__} cannot be sent to this worker")


def _text(text: str) -> bytes:
    return _UNICODE + banana.text(_utf8(text))


_frequent_text = lru_cache(maxsize=512)(_text)
"""Names of arguments, of directories, of programs: a step sends nearly what the last one did."""


def _is_frequent(value: object) -> bool:
    if isinstance(value, str):
        return len(value) <= _SHORT
    return value is None or isinstance(value, int)


@lru_cache(maxsize=512, typed=True)
def _frequent_pair(key: str, value: object) -> bytes:
    """Return a pair of a dictionary: most arguments of a command are those of the last one.

    The cache keeps 1 and True apart; real numbers are not given to it, of which two are equal that
    are not the same.
    """
    parts = [_PAIR]
    _put(key, 0, parts)
    _put(value, 0, parts)
    return b"".join(parts)


_PAIR = banana.opening(2)
_UNICODE = _PAIR + banana.text(b"unicode")
_TRUE = _PAIR + banana.text(b"boolean") + banana.text(b"true")
_FALSE = _PAIR + banana.text(b"boolean") + banana.text(b"false")
_NONE = banana.opening(1) + banana.text(b"None")
_REMOTE = _PAIR + banana.text(b"remote")
_LOCAL = _PAIR + banana.text(b"local")
_DICTIONARY = banana.text(b"dictionary")
_LIST = banana.text(b"list")
_TUPLE = banana.text(b"tuple")


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise Unsendable(
            f"{text!r} has characters that cannot be sent to this worker: not valid Unicode"
        ) from None


def decoded(expression: Expression) -> object:
    """Return the value of an expression. Raises ProtocolError."""
    if not isinstance(expression, list):
        return expression
    return _Decoder().value(expression)


class _Decoder:
    """Decodes one expression, in which values may be referred to that came before."""

    def __init__(self) -> None:
        self._known: dict[int, object] = {}

    def value(self, expression: Expression) -> object:
        """Return the value; the expression's depth bounds the recursion."""
        if not isinstance(expression, list):
            return expression
        kind = expression[0] if expression else None
        if kind == b"unicode" and len(expression) == 2 and isinstance(expression[1], bytes):
            return expression[1].decode("utf-8", "replace")
        if kind == b"list":
            return [self.value(item) for item in expression[1:]]
        if kind == b"dictionary":
            return self._dictionary(expression[1:])
        if kind == b"tuple":
            return tuple([self.value(item) for item in expression[1:]])
        return self._rare_value(expression)

    def _rare_value(self, expression: list[Expression]) -> object:
        match expression:
            case [b"None"]:
                return None
            case [b"boolean", b"true" | b"false" as word]:
                return word == b"true"
            case [b"remote", int() as number]:
                return Reference(number)
            case [b"local", int() as number]:
                return Own(number)
            case [b"reference", int() as number, inner]:
                value = self._known[number] = self.value(inner)
                return value
            case [b"dereference", int() as number] if number in self._known:
                return self._known[number]
            case [bytes() as name, state] if b"." in name:
                return Copied(name.decode("utf-8", "replace"), self.value(state))
        raise ProtocolError("a value is of a kind that workers do not send")

    def _dictionary(self, pairs: list[Expression]) -> dict[object, object]:
        found: dict[object, object] = {}
        for pair in pairs:
            if not isinstance(pair, list) or len(pair) != 2:
                raise ProtocolError("a dictionary has an item that is not a pair")
            try:
                found[self.value(pair[0])] = self.value(pair[1])
            except TypeError:
                raise ProtocolError("a key of a dictionary cannot be one") from None
        return found
