"""Pure rules for the machine of a worker that is started on demand: its states, and what to do."""

from __future__ import annotations

from enum import Enum

import msgspec

from chargehand.domain.instance import InstanceState
from chargehand.kit.values import replace


class Event(Enum):
    """What happens to a machine."""

    WANTED = "wanted"
    """A build needs it."""
    UNWANTED = "unwanted"
    """No build needs it any longer."""
    STARTED = "started"
    """Starting it has succeeded."""
    CONNECTED = "connected"
    LOST = "lost"
    """Its worker's session was lost."""
    FAILED = "failed"
    """Starting it has failed, or its worker did not connect."""
    STOPPED = "stopped"
    """Stopping it has ended, with whatever result."""
    CLOSED = "closed"
    """The master is shutting down, or the worker's configuration changed."""


class Action(Enum):
    """What to do after an event."""

    START = "start"
    STOP = "stop"
    SERVE = "serve"
    """Let the waiting builds use the worker."""
    REFUSE = "refuse"
    """Tell the waiting builds that the worker could not be started."""


class Instance(msgspec.Struct, frozen=True, kw_only=True):
    """The machine of one worker."""

    state: InstanceState = InstanceState.NOT_SUBSTANTIATED
    is_connected: bool = False
    """Whether the worker is connected; it may be so before starting its machine returns."""
    is_to_stop: bool = False
    """Whether to stop the machine as soon as starting it has ended."""
    is_closed: bool = False
    """Whether it must not be started again."""


Step = tuple[Instance, tuple[Action, ...]]


def after(instance: Instance, event: Event) -> Step:
    """Return the machine after an event, and what to do now.

    START and STOP alternate, and nothing is stopped while it is still being started: START ends
    with STARTED or FAILED, STOP with STOPPED.
    """
    if event is Event.CLOSED:
        closed = replace(instance, is_closed=True)
        if closed.state is InstanceState.NOT_SUBSTANTIATED:
            return replace(closed, state=InstanceState.SHUT_DOWN), ()
        stopping, actions = _after(closed, Event.UNWANTED)
        return stopping, (Action.REFUSE, *actions)
    if event is Event.WANTED and instance.is_closed:
        return instance, (Action.REFUSE,)
    return _after(instance, event)


def _after(instance: Instance, event: Event) -> Step:
    match instance.state:
        case InstanceState.NOT_SUBSTANTIATED if event is Event.WANTED:
            return Instance(state=InstanceState.SUBSTANTIATING), (Action.START,)
        case InstanceState.SUBSTANTIATING:
            return _while_starting(instance, event)
        case InstanceState.SUBSTANTIATING_STARTING:
            return _while_connecting(instance, event)
        case InstanceState.SUBSTANTIATED:
            if event is Event.WANTED:
                return instance, (Action.SERVE,)
            if event in (Event.UNWANTED, Event.LOST):
                return _stopping(instance), (Action.STOP,)
        case InstanceState.INSUBSTANTIATING | InstanceState.INSUBSTANTIATING_SUBSTANTIATING:
            return _while_stopping(instance, event)
        case _:
            pass
    return instance, ()


def _while_starting(instance: Instance, event: Event) -> Step:
    match event:
        case Event.WANTED:
            return replace(instance, is_to_stop=False), ()
        case Event.UNWANTED:
            return replace(instance, is_to_stop=True), ()
        case Event.CONNECTED:
            return replace(instance, is_connected=True), ()
        case Event.LOST:
            return replace(instance, is_connected=False), ()
        case Event.FAILED:
            return _stopping(instance), (Action.REFUSE, Action.STOP)
        case Event.STARTED if instance.is_to_stop:
            return _stopping(instance), (Action.STOP,)
        case Event.STARTED if instance.is_connected:
            return replace(instance, state=InstanceState.SUBSTANTIATED), (Action.SERVE,)
        case Event.STARTED:
            return replace(instance, state=InstanceState.SUBSTANTIATING_STARTING), ()
        case _:
            return instance, ()


def _while_connecting(instance: Instance, event: Event) -> Step:
    match event:
        case Event.CONNECTED:
            connected = replace(instance, state=InstanceState.SUBSTANTIATED, is_connected=True)
            return connected, (Action.SERVE,)
        case Event.FAILED:
            return _stopping(instance), (Action.REFUSE, Action.STOP)
        case Event.UNWANTED:
            return _stopping(instance), (Action.STOP,)
        case _:
            return instance, ()


def _while_stopping(instance: Instance, event: Event) -> Step:
    is_wanted = instance.state is InstanceState.INSUBSTANTIATING_SUBSTANTIATING
    match event:
        case Event.WANTED:
            state = InstanceState.INSUBSTANTIATING_SUBSTANTIATING
            return replace(instance, state=state), ()
        case Event.UNWANTED:
            return replace(instance, state=InstanceState.INSUBSTANTIATING), ()
        case Event.STOPPED if instance.is_closed:
            return Instance(state=InstanceState.SHUT_DOWN, is_closed=True), ()
        case Event.STOPPED if is_wanted:
            return Instance(state=InstanceState.SUBSTANTIATING), (Action.START,)
        case Event.STOPPED:
            return Instance(), ()
        case _:
            return instance, ()


def _stopping(instance: Instance) -> Instance:
    return Instance(state=InstanceState.INSUBSTANTIATING, is_closed=instance.is_closed)
