"""Fields of resources: name, type, storage, and conversion."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any, Generic, TypeVar

import msgspec

from chargehand.domain.properties import PropertyMap
from chargehand.kit.values import replace

V = TypeVar("V")
V_contra = TypeVar("V_contra", contravariant=True)
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

Resource = dict[str, Any]
"""The JSON of a value: exactly the fields of its kind, in order."""


class FieldType(msgspec.Struct, Generic[T_co], frozen=True):
    """The REST API's type of a field, for values of type ``T_co``.

    ``members`` are the fields of a composite type.
    """

    word: str
    nullable: bool = False
    is_list: bool = False
    members: tuple[tuple[str, FieldType[object]], ...] = ()
    may_be_null: bool = False
    """Whether there are nulls, although ``application.spec`` does not say so, like Buildbot's."""

    @property
    def or_none(self) -> FieldType[T_co | None]:
        """The nullable variant of the type."""
        return replace(self, nullable=True)

    @property
    def words(self) -> str:
        """The type's name in ``application.spec``."""
        if self.is_list:
            return "list"
        return f"{self.word} or None" if self.nullable else self.word

    @property
    def is_text(self) -> bool:
        """Whether values are texts."""
        return not self.is_list and self.word in (STRING.word, IDENTIFIER.word)

    @property
    def empty(self) -> object:
        """What a field of the type shows where nothing is known."""
        if self.nullable:
            return None
        if self.is_list:
            return []
        return _EMPTY.get(self.word, {})

    def specification(self) -> Resource:
        """Return the type's description for ``application.spec``."""
        inner: Resource = (
            {"type": self.word, "fields": specifications(self.members)}
            if self.members
            else {"name": self.word}
        )
        if self.is_list:
            return {"type": "list", "of": inner}
        return inner | {"can_be_null": True} if self.nullable else inner


def specifications(members: tuple[tuple[str, FieldType[object]], ...]) -> list[Resource]:
    """Return the fields' descriptions for ``application.spec``."""
    return [
        {"name": name, "type": type_.words, "type_spec": type_.specification()}
        for name, type_ in members
    ]


def list_of(element: FieldType[T]) -> FieldType[list[T]]:
    """Return the list type of *item*."""
    return FieldType(element.word, is_list=True, members=element.members)


INTEGER: FieldType[int] = FieldType("integer")
NUMBER: FieldType[float] = FieldType("float")
DATETIME: FieldType[int] = FieldType("datetime")
"""Seconds since 1970."""
STRING: FieldType[str] = FieldType("string")
IDENTIFIER: FieldType[str] = FieldType("identifier")
BOOLEAN: FieldType[bool] = FieldType("boolean")
BINARY: FieldType[str] = FieldType("binary")
JSON: FieldType[object] = FieldType("jsonobject")
PROPERTIES: FieldType[Resource] = FieldType("sourcedproperties")
"""Properties: ``{name: [value, source]}``."""


_EMPTY: dict[str, object] = {
    **dict.fromkeys((STRING.word, IDENTIFIER.word, BINARY.word), ""),
    **dict.fromkeys((INTEGER.word, NUMBER.word, DATETIME.word), 0),
    BOOLEAN.word: False,
}


def sourced(properties: PropertyMap) -> Resource:
    """Return properties in the REST API's form: ``{name: [value, source]}``."""
    return {name: [value, source] for name, (value, source) in properties.items()}


class Storage(Enum):
    """Where a field is stored, which determines the cost of reading it."""

    PLAIN = "plain"
    """A column, unchanged."""
    SECONDS = "seconds"
    """A column with a time or a duration, shown in whole seconds."""
    JSON = "json"
    """A column with JSON text."""
    TEXT = "text"
    """A column with bytes, decoded as text."""
    RELATED = "related"
    """Rows of other tables, at one more query per page."""
    NOWHERE = "nowhere"
    """Not stored, but computed on request."""


class Field(msgspec.Struct, Generic[V_contra, T_co], frozen=True, kw_only=True):
    """One field of the resources that show values of type ``V_contra``."""

    name: str
    type: FieldType[T_co]
    storage: Storage
    show: Callable[[V_contra], T_co] | None = None
    """None: only read from the store, as no value has it yet."""
    column: str = ""
    """The column in the entity's table; none for related or computed fields."""
    missing: int | None = None
    """The value shown for NULL."""


class Fields(Generic[V]):
    """Creates the fields of an entity, with each ``show`` type-checked against the value and the
    field."""

    def __init__(self, _value: type[V]) -> None:
        """Use only the type of the argument."""

    def column(
        self,
        name: str,
        type_: FieldType[T],
        column: str,
        show: Callable[[V], T],
        *,
        missing: int | None = None,
    ) -> Field[V, T]:
        """Create a field for a column."""
        return Field(
            name=name,
            type=type_,
            storage=Storage.PLAIN,
            show=show,
            column=column,
            missing=missing,
        )

    def seconds(
        self, name: str, type_: FieldType[int], column: str, show: Callable[[V], float]
    ) -> Field[V, int]:
        """Create a field of whole seconds, for a column with fractions."""
        return Field(
            name=name,
            type=type_,
            storage=Storage.SECONDS,
            show=lambda value: int(show(value)),
            column=column,
        )

    def seconds_or_none(
        self, name: str, type_: FieldType[int], column: str, show: Callable[[V], float | None]
    ) -> Field[V, int | None]:
        """Create a nullable field of whole seconds."""
        return Field(
            name=name,
            type=type_.or_none,
            storage=Storage.SECONDS,
            show=lambda value: None if (found := show(value)) is None else int(found),
            column=column,
        )

    def json(
        self, name: str, type_: FieldType[T], column: str, show: Callable[[V], T]
    ) -> Field[V, T]:
        """Create a field for a column with JSON."""
        return Field(name=name, type=type_, storage=Storage.JSON, show=show, column=column)

    def text(
        self, name: str, type_: FieldType[str], column: str, show: Callable[[V], bytes]
    ) -> Field[V, str]:
        """Create a text field for a column with bytes; replaces invalid UTF-8."""
        return Field(
            name=name,
            type=type_,
            storage=Storage.TEXT,
            show=lambda value: show(value).decode(errors="replace"),
            column=column,
        )

    def related(self, name: str, type_: FieldType[T], show: Callable[[V], T]) -> Field[V, T]:
        """Create a field that is loaded from other tables."""
        return Field(name=name, type=type_, storage=Storage.RELATED, show=show)


def read(name: str, type_: FieldType[T], column: str = "") -> Field[None, T]:
    """Create a field for a column of an entity without a value type; the column's name defaults
    to the field's."""
    return Field(name=name, type=type_, storage=Storage.PLAIN, column=column or name)


def read_seconds(name: str, type_: FieldType[int], column: str = "") -> Field[None, int]:
    """Create a field of whole seconds, of an entity without a value type."""
    return Field(name=name, type=type_, storage=Storage.SECONDS, column=column or name)


def made(name: str, type_: FieldType[T]) -> Field[None, T]:
    """Create a field of a kind that is not stored."""
    return Field(name=name, type=type_, storage=Storage.NOWHERE)
