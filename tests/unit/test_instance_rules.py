"""The machine of an on-demand worker: whatever happens, starts and stops alternate."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargehand.domain.instance import InstanceState
from chargehand.fleet.instance_rules import Action, Event, Instance, after

_OF_OTHERS = (Event.WANTED, Event.UNWANTED, Event.CONNECTED, Event.LOST, Event.CLOSED)


class Course:
    """A machine, and what was done with it."""

    def __init__(self) -> None:
        self.instance = Instance()
        self.done: list[Action] = []
        self.is_starting = False
        self.is_stopping = False
        self.is_there = False
        """Whether a start was not followed by a stop yet."""
        self.waiting = 0

    def happens(self, event: Event) -> None:
        if event in (Event.STARTED, Event.FAILED):
            self.is_starting = False
        if event is Event.STOPPED:
            self.is_stopping = False
            self.is_there = False
        self.waiting += event is Event.WANTED
        self.instance, actions = after(self.instance, event)
        for action in actions:
            self._do(action)

    def _do(self, action: Action) -> None:
        self.done.append(action)
        match action:
            case Action.START:
                assert not (self.is_starting or self.is_stopping or self.is_there)
                assert not self.instance.is_closed
                self.is_starting = self.is_there = True
            case Action.STOP:
                assert self.is_there
                assert not (self.is_starting or self.is_stopping)
                self.is_stopping = True
            case Action.SERVE | Action.REFUSE:
                self.waiting = 0

    def may_happen(self) -> list[Event]:
        events = list(_OF_OTHERS)
        if self.is_starting:
            events += [Event.STARTED, Event.FAILED]
        elif self.instance.state is InstanceState.SUBSTANTIATING_STARTING:
            events.append(Event.FAILED)
        if self.is_stopping:
            events.append(Event.STOPPED)
        return events

    def run_out(self) -> None:
        """Let what is under way end."""
        while self.is_starting or self.is_stopping:
            self.happens(Event.STARTED if self.is_starting else Event.STOPPED)


@given(st.data())
def test_a_machine_is_started_and_stopped_in_turn_whatever_happens(data: st.DataObject) -> None:
    course = Course()

    for _ in range(data.draw(st.integers(0, 40))):
        course.happens(data.draw(st.sampled_from(course.may_happen())))

    course.happens(Event.CLOSED)
    course.run_out()
    assert course.instance.state is InstanceState.SHUT_DOWN
    assert course.done.count(Action.START) == course.done.count(Action.STOP)
    assert not course.is_there


@given(st.data())
def test_a_build_that_waits_is_served_or_refused_once_the_machine_can_be_started(
    data: st.DataObject,
) -> None:
    course = Course()
    for _ in range(data.draw(st.integers(0, 40))):
        course.happens(data.draw(st.sampled_from(course.may_happen())))

    course.happens(Event.WANTED)
    for _ in range(5):
        course.run_out()
        course.happens(Event.CONNECTED)

    assert course.waiting == 0


@pytest.mark.parametrize(
    ("events", "state"),
    [
        ([], InstanceState.NOT_SUBSTANTIATED),
        ([Event.WANTED], InstanceState.SUBSTANTIATING),
        ([Event.WANTED, Event.STARTED], InstanceState.SUBSTANTIATING_STARTING),
        ([Event.WANTED, Event.STARTED, Event.CONNECTED], InstanceState.SUBSTANTIATED),
        ([Event.WANTED, Event.CONNECTED, Event.STARTED], InstanceState.SUBSTANTIATED),
        ([Event.WANTED, Event.FAILED], InstanceState.INSUBSTANTIATING),
        ([Event.WANTED, Event.UNWANTED, Event.STARTED], InstanceState.INSUBSTANTIATING),
        (
            [Event.WANTED, Event.STARTED, Event.FAILED, Event.WANTED],
            InstanceState.INSUBSTANTIATING_SUBSTANTIATING,
        ),
        (
            [Event.WANTED, Event.STARTED, Event.CONNECTED, Event.LOST],
            InstanceState.INSUBSTANTIATING,
        ),
        ([Event.CLOSED], InstanceState.SHUT_DOWN),
    ],
)
def test_a_machine_goes_from_state_to_state(events: list[Event], state: InstanceState) -> None:
    course = Course()

    for event in events:
        course.happens(event)

    assert course.instance.state is state


def test_a_closed_machine_is_refused_at_once() -> None:
    course = Course()
    course.happens(Event.CLOSED)

    course.happens(Event.WANTED)

    assert course.done == [Action.REFUSE]
