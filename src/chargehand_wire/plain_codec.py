"""Messages to bytes and back in Python: as much of msgspec, under its names, as is used here."""

from __future__ import annotations

import typing
from collections.abc import Callable
from typing import Any, Generic, Optional, TypeVar

from chargehand_wire.plain_msgpack import DecodeError, Ext, ExtHook, Reader, write

__all__ = [
    "DecodeError",
    "Decoder",
    "Encoder",
    "Ext",
    "Struct",
    "ValidationError",
    "convert",
    "encode",
    "replace",
]

T = TypeVar("T")
S = TypeVar("S", bound="Struct")

_Check = Callable[[Any], Any]
_REQUIRED = object()
_NUMBERS = (int, float)


class ValidationError(DecodeError):
    """A value is not of the type that is expected."""


class Struct:
    """A frozen value with the fields that its class is annotated with."""

    _tag: typing.ClassVar[Optional[int]] = None
    _fields: typing.ClassVar[tuple[str, ...]] = ()
    _defaults: typing.ClassVar[dict[str, object]] = {}

    def __init_subclass__(
        cls, *, tag: Optional[int] = None, frozen: bool = True, **options: bool
    ) -> None:
        super().__init_subclass__()
        own = [name for name in cls.__annotations__ if name[:1] != "_" and name not in cls._fields]
        cls._tag = tag
        cls._fields = (*cls._fields, *own)
        cls._defaults = {
            **cls._defaults,
            **{name: cls.__dict__[name] for name in own if name in cls.__dict__},
        }

    def __init__(self, *values: object, **named: object) -> None:
        given = dict(zip(self._fields, values))
        if len(values) > len(self._fields) or given.keys() & named.keys():
            raise TypeError(f"{type(self).__name__} was given a value twice, or too many")
        given.update(named)
        for name in self._fields:
            value = given.pop(name, self._defaults.get(name, _REQUIRED))
            if value is _REQUIRED:
                raise TypeError(f"Missing required argument {name!r}")
            object.__setattr__(self, name, _own(value))
        if given:
            raise TypeError(f"Unexpected keyword argument {next(iter(given))!r}")

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"immutable type: {type(self).__name__!r}")

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        assert isinstance(other, Struct)
        return self._values() == other._values()

    def __hash__(self) -> int:
        return hash((type(self), *self._values()))

    def __repr__(self) -> str:
        told = (f"{name}={value!r}" for name, value in zip(self._fields, self._values()))
        return f"{type(self).__name__}({', '.join(told)})"

    def _values(self) -> tuple[object, ...]:
        return tuple(getattr(self, name) for name in self._fields)

    def as_array(self) -> list[object]:
        """Return what stands for it in a message."""
        return [*(() if self._tag is None else (self._tag,)), *self._values()]

    @classmethod
    def tag(cls) -> Optional[int]:
        """Return the number that messages of this kind begin with."""
        return cls._tag

    @classmethod
    def from_array(cls: type[S], array: list[object], checks: dict[str, _Check]) -> S:
        """Return the value that an array stands for. Raises ValidationError."""
        given = dict(zip(cls._fields, array if cls._tag is None else array[1:]))
        return cls.from_fields(given, checks)

    @classmethod
    def from_fields(cls: type[S], given: dict[str, object], checks: dict[str, _Check]) -> S:
        """Return the value with these fields; others are left out. Raises ValidationError."""
        values = {name: checks[name](given[name]) for name in cls._fields if name in given}
        try:
            return cls(**values)
        except TypeError as error:
            raise ValidationError(str(error)) from error


def _own(value: object) -> object:
    """Return a default so that no two values share it."""
    if isinstance(value, dict):
        return dict(value)
    return list(value) if isinstance(value, list) else value


def replace(value: S, /, **changes: object) -> S:
    """Return a value with other values in some fields."""
    fields = {name: getattr(value, name) for name in type(value)._fields}
    return type(value)(**{**fields, **changes})


def encode(value: object) -> bytes:
    """Return a value in MessagePack."""
    buffer = bytearray()
    write(_plain(value), buffer.extend)
    return bytes(buffer)


def _plain(value: object) -> object:
    """Return a value with arrays for messages, of which only some fields hold others."""
    if isinstance(value, Struct):
        return [_plain(one) for one in value.as_array()]
    if isinstance(value, tuple) and any(isinstance(one, Struct) for one in value):
        return [_plain(one) for one in value]
    return value


class Encoder:
    """Encodes messages."""

    def encode_into(self, message: object, buffer: bytearray, offset: int) -> None:
        """Put a message into a buffer, which then ends with it."""
        del buffer[offset:]
        write(_plain(message), buffer.extend)


class Decoder(Generic[T]):
    """Decodes what must be of a type."""

    def __init__(self, kind: type[T], *, ext_hook: Optional[ExtHook] = None) -> None:
        self._check = _check_of(kind)
        self._ext_hook = ext_hook

    def decode(self, data: bytes) -> T:
        """Return the value. Raises DecodeError."""
        value: T = self._check(Reader(bytes(data), self._ext_hook).whole())
        return value


def convert(value: object, kind: type[T], *, strict: bool = True) -> T:
    """Return a value as a type has it; unless *strict*, numbers may be written as texts."""
    converted: T = _check_of(kind, is_array=False, strict=strict)(value)
    return converted


def _check_of(kind: Any, *, is_array: bool = True, strict: bool = True) -> _Check:
    """Return what makes a value one of *kind*, or raises ValidationError."""
    if kind in (Any, object):
        return lambda value: value
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Union:
        return _check_of_union(arguments, is_array=is_array, strict=strict)
    inner = [
        _check_of(one, is_array=is_array, strict=strict) for one in arguments if one is not ...
    ]
    if origin is dict:
        return lambda value: {
            inner[0](key): inner[1](held) for key, held in _one_of(value, dict).items()
        }
    if origin is list:
        return lambda value: [inner[0](one) for one in _one_of(value, list, tuple)]
    if origin is tuple and ... in arguments:
        return lambda value: tuple(inner[0](one) for one in _one_of(value, list, tuple))
    if origin is tuple:
        return lambda value: _checked_tuple(value, inner)
    if issubclass(kind, Struct):
        return _check_of_struct(kind, is_array=is_array, strict=strict)
    return lambda value: _scalar(value, kind, strict=strict)


def _check_of_struct(kind: type[Struct], *, is_array: bool, strict: bool) -> _Check:
    hints = typing.get_type_hints(kind)
    checks = {
        name: _check_of(hint, is_array=is_array, strict=strict)
        for name, hint in hints.items()
        if name in kind._fields
    }
    if is_array:
        return lambda value: kind.from_array(_one_of(value, list), checks)
    return lambda value: kind.from_fields(_one_of(value, dict), checks)


def _check_of_union(kinds: tuple[Any, ...], *, is_array: bool, strict: bool) -> _Check:
    tagged = {
        kind.tag(): _check_of(kind, is_array=is_array, strict=strict)
        for kind in kinds
        if isinstance(kind, type) and issubclass(kind, Struct) and kind.tag() is not None
    }
    if tagged:
        return lambda value: _by_tag(_one_of(value, list), tagged)
    checks = [_check_of(kind, is_array=is_array, strict=strict) for kind in kinds]
    return lambda value: _first_that_fits(value, checks)


def _by_tag(array: list[Any], checks: dict[Optional[int], _Check]) -> Any:
    tag = array[0] if array else None
    if not isinstance(tag, int) or isinstance(tag, bool) or tag not in checks:
        raise ValidationError(f"Invalid value {tag!r} - at `$[0]`")
    return checks[tag](array)


def _first_that_fits(value: object, checks: list[_Check]) -> Any:
    failure = ValidationError("no type to be")
    for check in checks:
        try:
            return check(value)
        except ValidationError as error:
            failure = error
    raise failure


def _checked_tuple(value: object, inner: list[_Check]) -> tuple[object, ...]:
    items = _one_of(value, list, tuple)
    if len(items) != len(inner):
        raise ValidationError(f"Expected `array` of length {len(inner)}, got {len(items)}")
    return tuple(check(one) for check, one in zip(inner, items))


def _one_of(value: Any, *kinds: type) -> Any:
    if not isinstance(value, kinds):
        raise ValidationError(f"Expected `{kinds[0].__name__}`, got `{type(value).__name__}`")
    return value


def _scalar(value: Any, kind: type, *, strict: bool) -> Any:
    if kind is float and type(value) is int:
        return float(value)
    if kind is int and type(value) is float and not strict and value.is_integer():
        return int(value)
    if not strict and type(value) is str and kind in (*_NUMBERS, bool):
        return _from_text(value, kind)
    if not strict and kind is bool and type(value) is int and value in (0, 1):
        return bool(value)
    if type(value) is bool and kind is not bool:
        raise ValidationError(f"Expected `{kind.__name__}`, got `bool`")
    return _one_of(value, kind)


def _from_text(text: str, kind: type) -> Any:
    if kind is bool:
        if text.lower() in ("true", "1", "false", "0"):
            return text.lower() in ("true", "1")
        raise ValidationError(f"Expected `bool`, got {text!r}")
    try:
        return kind(text)
    except ValueError as error:
        raise ValidationError(f"Expected `{kind.__name__}`, got `str`") from error
