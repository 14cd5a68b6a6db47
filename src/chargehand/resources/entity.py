"""An entity: one table of its fields, the paths that lead to it, and the keys of its events."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic

from chargehand.resources.field import (
    DATETIME,
    Field,
    FieldType,
    Resource,
    V_contra,
    specifications,
)

Members = tuple[tuple[str, FieldType[object]], ...]
"""Named types, as a resource has them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity(Generic[V_contra]):
    """A kind of resource, and how values of type ``V_contra`` are shown as such.

    What else there is about it follows from this: the REST specification, rows, questions in SQL,
    and the resources in events.
    """

    plural: str
    singular: str
    fields: tuple[Field[V_contra, object], ...]
    table: str = ""
    """Of the store; none for what is made when somebody asks."""
    collections: tuple[str, ...] = ()
    """Paths of lists, with placeholders ``n:NAME`` (a number), ``i:NAME`` (an identifier), and
    ``s:NAME`` (any text)."""
    singles: tuple[str, ...] = ()
    """Paths of single resources."""
    variants: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Further lists of it that the store is asked for by names of their own."""
    placeholders: Mapping[str, str] = field(default_factory=dict)
    """Placeholders of paths that name a field otherwise than the field is called."""
    event_keys: Mapping[str, Callable[[V_contra], tuple[str, ...]]] = field(default_factory=dict)
    """Keys of live events: how each begins, and what follows of a value, up to the verb."""

    @property
    def identity(self) -> str:
        """The name of the field that has its identifier: the first one."""
        return self.fields[0].name

    def shown(self, value: V_contra) -> Resource:
        """Return the resource that shows *value*."""
        return {one.name: one.show(value) for one in self.fields if one.show is not None}

    def shower(self) -> Callable[[V_contra], Resource]:
        """Return `shown` for those who show many values."""
        shows = [(one.name, one.show) for one in self.fields if one.show is not None]
        return lambda value: {name: show(value) for name, show in shows}

    def with_moments(self, resource: Resource, convert: Callable[[int], object]) -> Resource:
        """Return *resource* with what *convert* makes of its points in time, and of those in what
        it is made of. Numbers of seconds that are no points in time by their type stay."""
        return _converted(resource, self.members(), convert)

    def type(self) -> FieldType[Resource]:
        """Return the type of a field that has a whole resource."""
        return FieldType(self.singular, members=self.members())

    def members(self) -> Members:
        """Return the names and types of the fields."""
        return tuple((one.name, one.type) for one in self.fields)

    def types(self) -> dict[str, FieldType[object]]:
        """Return the types of the fields by name."""
        return dict(self.members())

    def specification(self) -> Resource:
        """Return the kind as ``application.spec`` describes it."""
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
