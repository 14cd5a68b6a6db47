"""Rows as values: what a value's type and its table say of it, read once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from enum import Enum
from types import UnionType
from typing import Any, Generic, TypeVar, Union, get_args, get_origin

import msgspec
from sqlalchemy import Column, Table

from chargehand.store.engine.columns import Json

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
        self.columns: tuple[Column[Any], ...] = tuple(found)
        """To be selected, in the order of the attributes."""

    def of(self, row: Iterable[object], **elsewhere: object) -> V:
        """Return the value of a row that begins with `columns`."""
        values = dict(zip(self._names, row, strict=False))
        for name, decode in self._decoders:
            values[name] = decode(values[name])
        return self._value(**values, **elsewhere)


def _decoder(kind: object, column: Column[object]) -> Callable[[object], object] | None:
    if column.type is Json:
        decode: Callable[..., object] = msgspec.json.Decoder(kind).decode
        return decode
    options = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
    for option in options:
        if isinstance(option, type) and issubclass(option, Enum):
            members: dict[object, object] = {member.value: member for member in option}
            return {**members, None: None}.__getitem__
        if option is bytes:
            # Drivers give their own kinds of bytes.
            return _bytes
    return None


def _bytes(data: object) -> object:
    return bytes(data) if isinstance(data, bytearray | memoryview) else data
