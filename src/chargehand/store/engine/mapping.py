"""Converts rows to values, by the value's type and its table."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Generic, TypeVar, Union, get_args, get_origin

import msgspec
from sqlalchemy import Column, Table

from chargehand.store.engine.columns import Json

_log = logging.getLogger(__name__)

_MOST_TOLD = 1000
_MOST_SOUND = 1000

V = TypeVar("V", bound=msgspec.Struct)


class Rows(Generic[V]):
    """The rows of a table that have values of one type: each attribute is a column of its name.

    *columns* has attributes whose columns are called otherwise, *elsewhere* those that are in other
    tables. An attribute without a column is a KeyError when the module is imported.
    """

    def __init__(
        self,
        value: type[V],
        table: Table,
        *,
        columns: Mapping[str, str] | None = None,
        elsewhere: Collection[str] = (),
    ) -> None:
        self._value = value
        attributes = [one for one in msgspec.structs.fields(value) if one.name not in elsewhere]
        found = [table.c[(columns or {}).get(one.name, one.name)] for one in attributes]
        self._names = tuple(one.name for one in attributes)
        self._decoders = tuple(
            (one.name, decode)
            for one, column in zip(attributes, found, strict=True)
            if (decode := _decoder(one.type, column)) is not None
        )
        self._plain = tuple(
            (one.name, kinds) for one in attributes if (kinds := _plain_kinds(one.type)) is not None
        )
        self._instead = {one.name: _instead(one.type) for one in attributes}
        self._table = table.name
        self._sound: set[tuple[type, ...]] = set()
        """The types of values of rows in which nothing was damaged."""
        self._told: set[tuple[object, str]] = set()
        """The damaged values already reported."""
        self.columns: tuple[Column[Any], ...] = tuple(found)
        """The columns to select, in the order of the attributes."""

    def of(self, row: Iterable[object], **elsewhere: object) -> V:
        """Return the value of a row that starts with `columns`."""
        values = dict(zip(self._names, row, strict=False))
        for name, decode in self._decoders:
            try:
                values[name] = decode(values[name])
            except (msgspec.MsgspecError, UnicodeDecodeError, LookupError, TypeError):
                self._make_do(name, values)
        found = tuple(map(type, values.values()))
        if found not in self._sound:
            self._check(values, found)
        return self._value(**values, **elsewhere)

    def _check(self, values: dict[str, object], found: tuple[type, ...]) -> None:
        damaged = [name for name, kinds in self._plain if not isinstance(values[name], kinds)]
        for name in damaged:
            self._make_do(name, values)
        if not damaged and len(self._sound) < _MOST_SOUND:
            self._sound.add(found)

    def _make_do(self, name: str, values: dict[str, object]) -> None:
        """Replace damaged values with harmless ones, and log each row once."""
        key = (values.get("id"), name)
        if key not in self._told and len(self._told) < _MOST_TOLD:
            self._told.add(key)
            _log.error(
                "the database is damaged: %s %s: %s is %.60r; run chargehand check-database",
                self._table,
                values.get("id"),
                name,
                values[name],
            )
        values[name] = self._instead[name]


def _decoder(kind: object, column: Column[object]) -> Callable[[object], object] | None:
    if column.type is Json:
        decode: Callable[..., object] = msgspec.json.Decoder(kind).decode
        return _or_none(decode) if column.nullable else decode
    options = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
    for option in options:
        if isinstance(option, type) and issubclass(option, Enum):
            members: dict[object, object] = {member.value: member for member in option}
            return {**members, None: None}.__getitem__
        if option is bytes:
            # Drivers return their own types for bytes.
            return _bytes
    return None


def _options(kind: object) -> tuple[object, ...]:
    options = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
    return tuple(getattr(option, "__supertype__", option) for option in options)


def _plain_kinds(kind: object) -> tuple[type, ...] | None:
    """Return the types of a plain column's values, None for other columns."""
    kinds: list[type] = []
    for option in _options(kind):
        if option is float:
            kinds.extend((float, int))
        elif option in (int, str, bool, NoneType) and isinstance(option, type):
            kinds.append(option)
        else:
            return None
    return tuple(kinds)


def _instead(kind: object) -> object:
    """Return a harmless value of a type."""
    options = _options(kind)
    if NoneType in options:
        return None
    first = options[0]
    if isinstance(first, type) and issubclass(first, Enum):
        return first.__members__.get("EXCEPTION") or next(iter(first))
    if first in (int, float, str, bool, bytes) and isinstance(first, type):
        return first()
    empty: tuple[object, ...] = ({}, [])
    for plain in empty:
        try:
            return msgspec.convert(plain, kind)
        except msgspec.ValidationError:
            continue
    return None


def _or_none(decode: Callable[..., object]) -> Callable[[object], object]:
    return lambda data: None if data is None else decode(data)


def _bytes(data: object) -> object:
    return bytes(data) if isinstance(data, bytearray | memoryview) else data
