"""Entities: fields, paths, and keys of events."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Generic

import msgspec

from chargehand.resources.field import (
    DATETIME,
    Field,
    FieldType,
    Resource,
    V_contra,
    specifications,
)

Members = tuple[tuple[str, FieldType[object]], ...]
"""Named types of a resource's fields."""


class Parameter(msgspec.Struct, frozen=True):
    """A query parameter that only one kind of resource has."""

    name: str
    type: FieldType[object]
    description: str
    span: tuple[int, int] | None = None
    """The least and the greatest number."""
    words: tuple[str, ...] = ()
    """The values that there are; empty: any."""

    def check(self, value: object) -> None:
        """Raise ValueError, with a sentence, for a value that cannot be."""
        if self.words and value not in self.words:
            raise ValueError(f"{self.name} must be one of: {', '.join(self.words)}")
        if self.span is not None and isinstance(value, int):
            least, most = self.span
            if not least <= value <= most:
                raise ValueError(f"{self.name} must be from {least} to {most}")


class Entity(msgspec.Struct, Generic[V_contra], frozen=True, kw_only=True):
    """A kind of resource, and the conversion from values of type ``V_contra``.

    Everything else is derived from it: the REST specification, rows, SQL queries, and the resources
    in events.
    """

    plural: str
    singular: str
    fields: tuple[Field[V_contra, object], ...]
    table: str = ""
    """The table in the store; none for computed resources."""
    collections: tuple[str, ...] = ()
    """Paths of lists, with placeholders ``n:NAME`` (a number), ``i:NAME`` (an identifier), and
    ``s:NAME`` (any text)."""
    singles: tuple[str, ...] = ()
    """Paths of single resources."""
    parameters: tuple[Parameter, ...] | None = None
    """Query parameters of its own, instead of filters, orders and fields."""
    more_parameters: tuple[Parameter, ...] = ()
    """Query parameters of its own, besides these."""
    key: str = ""
    """The key of the rows in answers; empty: the plural."""
    is_at_root: bool = True
    """Whether the API's root lists the whole collection, if it has a path of its own."""
    variants: Mapping[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    """Further lists, with a kind of their own in the store."""
    placeholders: Mapping[str, str] = msgspec.field(default_factory=dict)
    """Placeholders of paths whose names differ from their fields'."""
    event_keys: Mapping[str, Callable[[V_contra], tuple[str, ...]]] = msgspec.field(
        default_factory=dict
    )
    """Keys of live events: the first segment, and the value's segments before the verb."""

    @property
    def identity(self) -> str:
        """The name of the identifier field: the first one."""
        return self.fields[0].name

    def shown(self, value: V_contra) -> Resource:
        """Return the resource of *value*."""
        return {one.name: one.show(value) for one in self.fields if one.show is not None}

    def shower(self) -> Callable[[V_contra], Resource]:
        """Return a fast version of `shown` for many values."""
        shows = [(one.name, one.show) for one in self.fields if one.show is not None]
        return lambda value: {name: show(value) for name, show in shows}

    def with_moments(self, resource: Resource, convert: Callable[[int], object]) -> Resource:
        """Return *resource* with its times passed through *convert*, including nested ones. Keeps
        durations unchanged."""
        return _converted(resource, self.members(), convert)

    def type(self) -> FieldType[Resource]:
        """Return the type of a field that contains a whole resource."""
        return FieldType(self.singular, members=self.members())

    def members(self) -> Members:
        """Return the names and types of the fields."""
        return tuple((one.name, one.type) for one in self.fields)

    def types(self) -> dict[str, FieldType[object]]:
        """Return the types of the fields by name."""
        return dict(self.members())

    def specification(self) -> Resource:
        """Return the kind's description for ``application.spec``."""
        if not self.fields:
            return {"name": self.singular}
        return {"type": self.singular, "fields": specifications(self.members())}


def _converted(resource: Resource, members: Members, convert: Callable[[int], object]) -> Resource:
    made = dict(resource)
    for name, type_ in members:
        value = made.get(name)
        if value is None:
            continue
        if type_.word == DATETIME.word:
            made[name] = convert(value)
        elif type_.members and type_.is_list:
            made[name] = [_converted(one, type_.members, convert) for one in value]
        elif type_.members:
            made[name] = _converted(value, type_.members, convert)
    return made
