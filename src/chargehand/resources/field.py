"""A field of a resource: its name, its type, where it is stored, and how a value shows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Generic, TypeVar

from chargehand.domain.properties import PropertyMap
from chargehand.kit.redaction import without_passwords

V = TypeVar("V")
V_contra = TypeVar("V_contra", contravariant=True)
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

Resource = dict[str, Any]
"""What JSON has of a value: exactly the fields of its kind, in their order."""


@dataclass(frozen=True, slots=True)
class FieldType(Generic[T_co]):
    """The REST API's type of a field, which shows values of type ``T_co``.

    ``members`` are the fields of a type that is made of some.
    """

    word: str
    nullable: bool = False
    is_list: bool = False
    members: tuple[tuple[str, FieldType[object]], ...] = ()

    @property
    def or_none(self) -> FieldType[T_co | None]:
        """The same, which may be null."""
        return replace(self, nullable=True)

    @property
    def words(self) -> str:
        """How ``application.spec`` names the type in one phrase."""
        if self.is_list:
            return "list"
        return f"{self.word} or None" if self.nullable else self.word

    def specification(self) -> Resource:
        """Return the type as ``application.spec`` describes it."""
        inner: Resource = (
            {"type": self.word, "fields": specifications(self.members)}
            if self.members
            else {"name": self.word}
        )
        if self.is_list:
            return {"type": "list", "of": inner}
        return inner | {"can_be_null": True} if self.nullable else inner


def specifications(members: tuple[tuple[str, FieldType[object]], ...]) -> list[Resource]:
    """Return named types as ``application.spec`` describes fields."""
    return [
        {"name": name, "type": type_.words, "type_spec": type_.specification()}
        for name, type_ in members
    ]


def list_of(element: FieldType[T]) -> FieldType[list[T]]:
    """Return the type of a list."""
    return FieldType(element.word, is_list=True, members=element.members)


INTEGER: FieldType[int] = FieldType("integer")
DATETIME: FieldType[int] = FieldType("datetime")
"""Seconds since 1970."""
STRING: FieldType[str] = FieldType("string")
IDENTIFIER: FieldType[str] = FieldType("identifier")
BOOLEAN: FieldType[bool] = FieldType("boolean")
BINARY: FieldType[str] = FieldType("binary")
JSON: FieldType[object] = FieldType("jsonobject")
PROPERTIES: FieldType[Resource] = FieldType("sourcedproperties")
"""Properties: ``{name: [value, source]}``."""


def sourced(properties: PropertyMap) -> Resource:
    """Return properties as the REST API has them: ``{name: [value, source]}``."""
    return {name: [value, source] for name, (value, source) in properties.items()}


class Storage(Enum):
    """Where a row of the store has a field, which is what reading it costs."""

    PLAIN = "plain"
    """A column, shown as it is."""
    SECONDS = "seconds"
    """A column with a point in time or a duration; whole seconds are shown."""
    JSON = "json"
    """A column with JSON as text."""
    TEXT = "text"
    """A column with bytes, shown as text."""
    URL = "url"
    """A column with text that may have URLs: passwords in them are not shown."""
    RELATED = "related"
    """Rows of other tables: one more query for each page. The store knows which."""
    NOWHERE = "nowhere"
    """The kind is not stored: it is made when somebody asks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field(Generic[V_contra, T_co]):
    """One field of the resources that show values of type ``V_contra``."""

    name: str
    type: FieldType[T_co]
    storage: Storage
    show: Callable[[V_contra], T_co] | None = None
    """None: no value has it yet; it is only read from the store."""
    column: str = ""
    """The name of the column in the entity's table; none for what is related or nowhere."""
    missing: int | None = None
    """What is shown where the column has nothing."""


class Fields(Generic[V]):
    """Makes the fields of an entity, such that each ``show`` is checked against the value's type
    and the field's."""

    def __init__(self, _value: type[V]) -> None:
        """Only the type matters, not the argument."""

    def column(
        self,
        name: str,
        type_: FieldType[T],
        column: str,
        show: Callable[[V], T],
        *,
        missing: int | None = None,
    ) -> Field[V, T]:
        """Make a field that is a column."""
        return Field(
            name=name,
            type=type_,
            storage=Storage.PLAIN,
            show=show,
            column=column,
            missing=missing,
        )

    def url(
        self, name: str, type_: FieldType[str], column: str, show: Callable[[V], str]
    ) -> Field[V, str]:
        """Make a field of text that may have URLs, which are shown without their passwords."""
        return Field(
            name=name,
            type=type_,
            storage=Storage.URL,
            show=lambda value: without_passwords(show(value)),
            column=column,
        )

    def url_or_none(
        self, name: str, type_: FieldType[str], column: str, show: Callable[[V], str | None]
    ) -> Field[V, str | None]:
        """Make a field of such a text that may be null."""
        return Field(
            name=name,
            type=type_.or_none,
            storage=Storage.URL,
            show=lambda value: None if (text := show(value)) is None else without_passwords(text),
            column=column,
        )

    def seconds(
        self, name: str, type_: FieldType[int], column: str, show: Callable[[V], float]
    ) -> Field[V, int]:
        """Make a field of whole seconds, of a column that has fractions as well."""
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
        """Make a field of whole seconds that may be null."""
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
        """Make a field of a column with JSON."""
        return Field(name=name, type=type_, storage=Storage.JSON, show=show, column=column)

    def text(
        self, name: str, type_: FieldType[str], column: str, show: Callable[[V], bytes]
    ) -> Field[V, str]:
        """Make a field of text, of a column that has bytes; what is not UTF-8 is replaced."""
        return Field(
            name=name,
            type=type_,
            storage=Storage.TEXT,
            show=lambda value: show(value).decode(errors="replace"),
            column=column,
        )

    def related(self, name: str, type_: FieldType[T], show: Callable[[V], T]) -> Field[V, T]:
        """Make a field that other tables have."""
        return Field(name=name, type=type_, storage=Storage.RELATED, show=show)


def read(name: str, type_: FieldType[T], column: str = "") -> Field[None, T]:
    """Make a field of a column, of an entity that has no value yet; it is called like the field
    where nothing is said."""
    return Field(name=name, type=type_, storage=Storage.PLAIN, column=column or name)


def read_seconds(name: str, type_: FieldType[int], column: str = "") -> Field[None, int]:
    """Make a field of whole seconds, of an entity that has no value yet."""
    return Field(name=name, type=type_, storage=Storage.SECONDS, column=column or name)


def made(name: str, type_: FieldType[T]) -> Field[None, T]:
    """Make a field of a kind that is not stored."""
    return Field(name=name, type=type_, storage=Storage.NOWHERE)
