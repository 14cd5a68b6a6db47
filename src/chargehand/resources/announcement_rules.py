"""Rules for announcing events: keys and resources."""

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
"""The keys of an announcement, and the complete resource."""


@dataclass(frozen=True, slots=True)
class AnnouncementRule:
    """The announcement rule of one event type."""

    event_type: type[Event]
    entity: Entity[Never] | None
    """The entity of the resource; None for properties."""
    beginnings: frozenset[str]
    """The first segments of the keys."""
    verbs: tuple[str, ...]
    """The last segments of the keys."""
    tell: Callable[[Event], Announcement]


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

    def tell(event: Event) -> Announcement:
        assert isinstance(event, event_type)
        shown = value(event)
        keys = tuple([(first, *rest(shown), verb) for first, rest in beginnings])
        resource = show(shown)
        return keys, resource if extra is None else resource | extra(event)

    return AnnouncementRule(event_type, entity, frozenset(entity.event_keys), (verb,), tell)


def announces_with_verb(
    entity: Entity[V],
    event_type: type[E],
    verbs: tuple[str, ...],
    value: Callable[[E], V],
    verb: Callable[[E], str],
) -> AnnouncementRule:
    """Announce the value in the event, with the event's verb."""
    by_verb = {one: announces(entity, event_type, one, value).tell for one in verbs}

    def tell(event: Event) -> Announcement:
        assert isinstance(event, event_type)
        return by_verb[verb(event)](event)

    return AnnouncementRule(event_type, entity, frozenset(entity.event_keys), verbs, tell)
