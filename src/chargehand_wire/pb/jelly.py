"""Jelly: values as expressions, as far as masters and workers send them to each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from chargehand_wire.framing import ProtocolError
from chargehand_wire.pb import banana
from chargehand_wire.pb.banana import Expression
from chargehand_wire.values import Unsendable

_DEEPEST = 30


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
    match value:
        case str():
            return _UNICODE + banana.text(_utf8(value))
        case bool():
            return _TRUE if value else _FALSE
        case None:
            return _NONE
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
    if not levels:
        raise Unsendable("a value is nested too deeply to be sent to this worker")
    levels -= 1
    match value:
        case dict():
            parts = [banana.opening(len(value) + 1), _DICTIONARY]
            for key, item in value.items():
                parts += (_PAIR, encoded(key, levels), encoded(item, levels))
        case list():
            parts = [banana.opening(len(value) + 1), _LIST]
            parts += [encoded(item, levels) for item in value]
        case tuple():
            parts = [banana.opening(len(value) + 1), _TUPLE]
            parts += [encoded(item, levels) for item in value]
        case _:
            raise Unsendable(
                f"a value of the type {type(value).__name__} cannot be sent to this worker"
            )
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
            f"{text!r} has characters that cannot be sent to this worker: they are no Unicode text"
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
        match expression:
            case [b"unicode", bytes() as text]:
                return text.decode("utf-8", "replace")
            case [b"dictionary", *pairs]:
                return self._dictionary(pairs)
            case [b"list", *items]:
                return [self.value(item) for item in items]
            case [b"tuple", *items]:
                return tuple([self.value(item) for item in items])
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
            match pair:
                case [key, item]:
                    try:
                        found[self.value(key)] = self.value(item)
                    except TypeError:
                        raise ProtocolError("a key of a dictionary cannot be one") from None
                case _:
                    raise ProtocolError("a dictionary has something that is no pair")
        return found
