"""Events as clients of the live connections get them: their keys, and the resource."""

from __future__ import annotations

from typing import Never

from chargehand.events.messages import Event
from chargehand.resources import builds, farm, sources
from chargehand.resources.entity import Entity
from chargehand.resources.telling import Announcement as Announcement
from chargehand.resources.telling import Key as Key
from chargehand.resources.telling import Telling

TELLINGS: tuple[Telling, ...] = (*builds.TELLINGS, *farm.TELLINGS, *sources.TELLINGS)
"""How each event is told."""

_TABLE: dict[type[Event], Telling] = {telling.event_type: telling for telling in TELLINGS}

EVENT_TYPES: tuple[type[Event], ...] = tuple(_TABLE)
"""The events that are told."""


def announcement(event: Event) -> Announcement:
    """Return what clients are told of *event*, which is of one of `EVENT_TYPES`."""
    return _TABLE[type(event)].tell(event)


def entity_of(event_type: type[Event]) -> Entity[Never] | None:
    """Return what the resource of such events is; None: properties."""
    return _TABLE[event_type].entity


def verbs(event_type: type[Event]) -> tuple[str, ...]:
    """Return how the keys of such events end."""
    return _TABLE[event_type].verbs


def beginnings(event_type: type[Event]) -> frozenset[str]:
    """Return how the keys of such events begin, so that nothing is made that nobody wants."""
    return _TABLE[event_type].beginnings
