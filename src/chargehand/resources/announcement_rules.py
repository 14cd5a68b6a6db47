"""Rules for announcing events: keys and resources."""

from __future__ import annotations

from collections.abc import Callable
from typing import Never, TypeVar

import msgspec

from chargehand.events.messages import Event
from chargehand.resources.entity import Entity
from chargehand.resources.field import Resource, V

E = TypeVar("E", bound=Event)

Key = tuple[str, ...]
Announcement = tuple[tuple[Key, ...], Resource]
"""The keys of an announcement, and the complete resource."""


class AnnouncementRule(msgspec.Struct, frozen=True):
    """The announcement rule of one event type."""

    event_type: type[Event]
    entity: Entity[Never] | None
    """The entity of the resource; None for properties."""
    beginnings: frozenset[str]
    """The first segments of the keys."""
    verbs: tuple[str, ...]
    """The last segments of the keys."""
    keys: Callable[[Event], tuple[Key, ...]]
    resource: Callable[[Event], Resource]


def announces(
    entity: Entity[V],
    event_type: type[E],
    verb: str,
    value: Callable[[E], V],
    extra: Callable[[E], Resource] | None = None,
) -> AnnouncementRule:
    """Announce the value in the event (and *extra*), with a fixed verb."""
    show = entity.shower()
    beginnings = tuple(entity.event_keys.items())

    def keys(event: Event) -> tuple[Key, ...]:
        assert isinstance(event, event_type)
        shown = value(event)
        return tuple([(first, *rest(shown), verb) for first, rest in beginnings])

    def resource(event: Event) -> Resource:
        assert isinstance(event, event_type)
        shown = show(value(event))
        return shown if extra is None else shown | extra(event)

    first_segments = frozenset(entity.event_keys)
    return AnnouncementRule(event_type, entity, first_segments, (verb,), keys, resource)


def announces_with_verb(
    entity: Entity[V],
    event_type: type[E],
    verbs: tuple[str, ...],
    value: Callable[[E], V],
    verb: Callable[[E], str],
) -> AnnouncementRule:
    """Announce the value in the event, with the event's verb."""
    by_verb = {one: announces(entity, event_type, one, value) for one in verbs}

    def keys(event: Event) -> tuple[Key, ...]:
        assert isinstance(event, event_type)
        return by_verb[verb(event)].keys(event)

    resource = by_verb[verbs[0]].resource
    first_segments = frozenset(entity.event_keys)
    return AnnouncementRule(event_type, entity, first_segments, verbs, keys, resource)
