"""What is decided about builds that nobody runs any more."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargehand.domain.build import Build, Step
from chargehand.domain.identifiers import (
    BuilderId,
    BuildId,
    MasterId,
    RequestId,
    StepId,
    WorkerId,
)
from chargehand.domain.unfinished import LeftBehind, UnfinishedBuild
from chargehand.execution.recovery import Cause, Retry, outcomes_of


def _step(number: int, name: str, started_at: float | None) -> Step:
    return Step(
        id=StepId(number),
        build_id=BuildId(1),
        number=number,
        name=name,
        state="",
        started_at=started_at,
    )


def _unfinished(number: int, *steps: Step) -> UnfinishedBuild:
    build = Build(
        id=BuildId(number),
        number=number,
        builder_id=BuilderId(1),
        request_id=RequestId(number),
        worker_id=WorkerId(1),
        master_id=MasterId(1),
        started_at=1.0,
    )
    return UnfinishedBuild(build=build, steps=steps)


def _left(*unfinished: UnfinishedBuild) -> LeftBehind:
    return LeftBehind(master_id=MasterId(1), master_name="here:/ci", epoch=2, builds=unfinished)


@pytest.mark.parametrize(
    ("cause", "sentence"),
    [
        (Cause.KILLED, "the master was killed"),
        (Cause.SILENT, 'master "here:/ci" stopped responding'),
        (Cause.STOPPED, "the master stopped before it could record the result"),
    ],
)
def test_a_build_is_retried_and_says_what_happened_during_which_step(
    cause: Cause, sentence: str
) -> None:
    during = _unfinished(1, _step(0, "update", 1.0), _step(1, "make", 2.0), _step(2, "t", None))
    before = _unfinished(2, _step(0, "update", None))
    without = _unfinished(3)

    assert outcomes_of(_left(during, before, without), cause) == [
        Retry(unfinished=during, why=f'{sentence} during "make"; retrying'),
        Retry(unfinished=before, why=f"{sentence}; retrying"),
        Retry(unfinished=without, why=f"{sentence}; retrying"),
    ]


@given(st.lists(st.integers(1, 100), unique=True), st.sampled_from(Cause))
def test_each_build_that_was_left_has_one_outcome(numbers: list[int], cause: Cause) -> None:
    left = _left(*map(_unfinished, numbers))

    assert [outcome.unfinished for outcome in outcomes_of(left, cause)] == list(left.builds)
