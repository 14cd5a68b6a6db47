"""Converts events to announcements for live clients: keys and the resource."""

from __future__ import annotations

from typing import Never

from chargehand.events.messages import Event
from chargehand.resources import builds, farm, records, sources
from chargehand.resources.announcement_rules import Announcement as Announcement
from chargehand.resources.announcement_rules import AnnouncementRule
from chargehand.resources.announcement_rules import Key as Key
from chargehand.resources.entity import Entity
from chargehand.resources.field import Resource

ANNOUNCEMENT_RULES: tuple[AnnouncementRule, ...] = (
    *builds.ANNOUNCEMENT_RULES,
    *farm.ANNOUNCEMENT_RULES,
    *sources.ANNOUNCEMENT_RULES,
    *records.ANNOUNCEMENT_RULES,
)
"""The announcement rule of each event type."""

_TABLE: dict[type[Event], AnnouncementRule] = {rule.event_type: rule for rule in ANNOUNCEMENT_RULES}

EVENT_TYPES: tuple[type[Event], ...] = tuple(_TABLE)
"""The announced event types."""


def keys_of(event: Event) -> tuple[Key, ...]:
    """Return the keys of the announcement of *event*, which is of one of `EVENT_TYPES`."""
    return _TABLE[type(event)].keys(event)


def resource_of(event: Event) -> Resource:
    """Return the resource of its announcement."""
    return _TABLE[type(event)].resource(event)


def entity_of(event_type: type[Event]) -> Entity[Never] | None:
    """Return the entity of such events; None for properties."""
    return _TABLE[event_type].entity


def verbs(event_type: type[Event]) -> tuple[str, ...]:
    """Return the last key segments of such events."""
    return _TABLE[event_type].verbs


def beginnings(event_type: type[Event]) -> frozenset[str]:
    """Return the first key segments of such events, to skip events without subscribers."""
    return _TABLE[event_type].beginnings
