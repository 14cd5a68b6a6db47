"""How long a running build is expected to take, in the terminal."""

from __future__ import annotations

import pytest

from chargehand.cli.remote.rows import Eta
from chargehand.cli.showing import build_ended, prospect
from chargehand.domain.result import Result


def _eta(seconds: float, *, step: int | None = None) -> Eta:
    return Eta(buildid=1, stepid=step, eta=1e9 + seconds, seconds_left=seconds, progress=0.5)


@pytest.mark.parametrize(
    ("etas", "said"),
    [
        ([], "compile"),
        (
            [_eta(95.4), _eta(20.2, step=7)],
            "compile, about 20 s left, build: about 1 min 35 s left",
        ),
        ([_eta(7200)], "compile, build: about 2 h left"),
        ([_eta(0.2), _eta(0, step=7)], "compile, taking longer than usual, build: about 1 s left"),
        ([_eta(-3)], "compile, build: taking longer than usual"),
        ([_eta(-3), _eta(-1, step=7)], "compile, taking longer than usual"),
    ],
)
def test_a_running_build_is_shown_with_the_time_that_is_left(etas: list[Eta], said: str) -> None:
    assert prospect("compile", etas) == said


@pytest.mark.parametrize(
    ("result", "state", "said"),
    [
        (Result.SUCCESS, "build successful", "✓ b #1: build successful  1 min 2 s"),
        (Result.FAILURE, "failed: make (exit 2)", "✗ b #1: failed: make (exit 2)  1 min 2 s"),
        (Result.RETRY, "retry (worker lost: w)", "↻ b #1: retry (worker lost: w)  1 min 2 s"),
        (Result.CANCELLED, "cancelled", "■ b #1: cancelled  1 min 2 s"),
        (Result.EXCEPTION, "KeyError: 'x'", "‼ b #1: exception  KeyError: 'x'  1 min 2 s"),
        (Result.WARNINGS, "", "! b #1: warnings  1 min 2 s"),
    ],
)
def test_the_line_of_a_build_that_has_ended_says_its_result_once(
    result: Result, state: str, said: str
) -> None:
    assert build_ended("b #1", result, state, 62.0).plain == said
