"""How an event is told: under which keys, with which resource."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Never, TypeVar

from chargehand.events.messages import Event
from chargehand.resources.entity import Entity
from chargehand.resources.field import Resource, V

E = TypeVar("E", bound=Event)

Key = tuple[str, ...]
Announcement = tuple[tuple[Key, ...], Resource]
"""The keys under which something is told, and the whole resource."""


@dataclass(frozen=True, slots=True)
class Telling:
    """How events of one type are told."""

    event_type: type[Event]
    entity: Entity[Never] | None
    """What the resource is; None: properties."""
    beginnings: frozenset[str]
    """How the keys begin."""
    verbs: tuple[str, ...]
    """How they end."""
    tell: Callable[[Event], Announcement]


def told(
    entity: Entity[V],
    event_type: type[E],
    verb: str,
    value: Callable[[E], V],
    extra: Callable[[E], Resource] | None = None,
) -> Telling:
    """Tell the value that such an event has (and *extra*, which is not of it), with one verb."""
    show = entity.shower()
    beginnings = tuple(entity.event_keys.items())

    def tell(event: Event) -> Announcement:
        assert isinstance(event, event_type)
        shown = value(event)
        keys = tuple([(first, *rest(shown), verb) for first, rest in beginnings])
        resource = show(shown)
        return keys, resource if extra is None else resource | extra(event)

    return Telling(event_type, entity, frozenset(entity.event_keys), (verb,), tell)


def told_by_verb(
    entity: Entity[V],
    event_type: type[E],
    verbs: tuple[str, ...],
    value: Callable[[E], V],
    verb: Callable[[E], str],
) -> Telling:
    """Tell the value that such an event has, with the verb that it has as well."""
    by_verb = {one: told(entity, event_type, one, value).tell for one in verbs}

    def tell(event: Event) -> Announcement:
        assert isinstance(event, event_type)
        return by_verb[verb(event)](event)

    return Telling(event_type, entity, frozenset(entity.event_keys), verbs, tell)
