"""Events as clients of the live connections get them: their keys, and the resource."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from chargehand.events import messages
from chargehand.events.messages import Event
from chargehand.resources.builds import BUILD, LOG, STEP
from chargehand.resources.entity import Entity
from chargehand.resources.farm import BUILDER, MASTER, SCHEDULER, WORKER
from chargehand.resources.field import Resource, V
from chargehand.resources.sources import BUILDSET, CHANGE, REQUEST, sourced

E = TypeVar("E", bound=Event)

Key = tuple[str, ...]
Announcement = tuple[tuple[Key, ...], Resource]
"""The keys under which something is told, and the whole resource."""


@dataclass(frozen=True, slots=True)
class Telling:
    """How events of one type are told."""

    event_type: type[Event]
    beginnings: frozenset[str]
    """How the keys begin."""
    verbs: tuple[str, ...]
    """How they end."""
    tell: Callable[[Event], Announcement]


def announcement(event: Event) -> Announcement:
    """Return what clients are told of *event*, which is of one of `EVENT_TYPES`."""
    return _TABLE[type(event)].tell(event)


def beginnings(event_type: type[Event]) -> frozenset[str]:
    """Return how the keys of such events begin, so that nothing is made that nobody wants."""
    return _TABLE[event_type].beginnings


def _of(
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

    return Telling(event_type, frozenset(entity.event_keys), (verb,), tell)


def _with_verbs(
    entity: Entity[V],
    event_type: type[E],
    verbs: tuple[str, ...],
    value: Callable[[E], V],
    verb: Callable[[E], str],
) -> Telling:
    """Tell the value that such an event has, with the verb that it has as well."""
    by_verb = {one: _of(entity, event_type, one, value).tell for one in verbs}

    def tell(event: Event) -> Announcement:
        assert isinstance(event, event_type)
        return by_verb[verb(event)](event)

    return Telling(event_type, frozenset(entity.event_keys), verbs, tell)


def _properties_updated(event: Event) -> Announcement:
    assert isinstance(event, messages.BuildPropertiesUpdated)
    keys = (("builds", str(event.build_id), "properties", "update"),)
    return keys, sourced(event.properties)


def _by_type(tellings: Iterable[Telling]) -> dict[type[Event], Telling]:
    return {telling.event_type: telling for telling in tellings}


_TABLE = _by_type(
    (
        _of(CHANGE, messages.ChangeAdded, "new", lambda event: event.change),
        _of(
            BUILDSET,
            messages.BuildsetSubmitted,
            "new",
            lambda event: event.buildset,
            lambda event: {"scheduler": event.scheduler},
        ),
        _of(BUILDSET, messages.BuildsetCompleted, "complete", lambda event: event.buildset),
        _of(REQUEST, messages.RequestSubmitted, "new", lambda event: event.pending.request),
        _of(REQUEST, messages.RequestClaimed, "claimed", lambda event: event.request),
        _of(REQUEST, messages.RequestUnclaimed, "unclaimed", lambda event: event.pending.request),
        _of(REQUEST, messages.RequestUpdated, "update", lambda event: event.request),
        _of(REQUEST, messages.RequestCancelled, "cancel", lambda event: event.request),
        _of(REQUEST, messages.RequestCompleted, "complete", lambda event: event.request),
        _of(BUILD, messages.BuildStarted, "new", lambda event: event.build),
        _of(BUILD, messages.BuildUpdated, "update", lambda event: event.build),
        _of(BUILD, messages.BuildFinished, "finished", lambda event: event.build),
        Telling(
            messages.BuildPropertiesUpdated,
            frozenset({"builds"}),
            ("update",),
            _properties_updated,
        ),
        _of(STEP, messages.StepAdded, "new", lambda event: event.step),
        _of(STEP, messages.StepStarted, "started", lambda event: event.step),
        _of(STEP, messages.StepUpdated, "updated", lambda event: event.step),
        _of(STEP, messages.StepFinished, "finished", lambda event: event.step),
        _of(LOG, messages.LogAdded, "new", lambda event: event.log),
        _of(LOG, messages.LogAppended, "append", lambda event: event.log),
        _of(LOG, messages.LogFinished, "finished", lambda event: event.log),
        _of(WORKER, messages.WorkerConnected, "connected", lambda event: event.worker),
        _of(WORKER, messages.WorkerDisconnected, "disconnected", lambda event: event.worker),
        _of(WORKER, messages.WorkerUpdated, "state_updated", lambda event: event.worker),
        _of(MASTER, messages.MasterStarted, "started", lambda event: event.master),
        _of(MASTER, messages.MasterStopped, "stopped", lambda event: event.master),
        _with_verbs(
            BUILDER,
            messages.BuilderChanged,
            ("started", "stopped", "update"),
            lambda event: event.builder,
            lambda event: event.verb,
        ),
        _with_verbs(
            SCHEDULER,
            messages.SchedulerChanged,
            ("created", "updated"),
            lambda event: event.scheduler,
            lambda event: event.verb,
        ),
    )
)

EVENT_TYPES: tuple[type[Event], ...] = tuple(_TABLE)
"""The events that are told."""

TELLINGS: tuple[Telling, ...] = tuple(_TABLE.values())
"""How each of them is told."""
