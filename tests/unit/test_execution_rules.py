"""What a step's result means for its build, in which order properties win, and the words."""

from __future__ import annotations

import pytest

from chargehand.domain.result import Result
from chargehand.execution.ports import StepFlags
from chargehand.execution.rules import (
    after_step,
    as_result,
    merged_properties,
    own_properties,
    owners_of,
    slug_of,
)

SUCCESS, WARNINGS, FAILURE, SKIPPED, EXCEPTION, RETRY, CANCELLED = Result


@pytest.mark.parametrize(
    ("flags", "result", "so_far", "becomes", "halts"),
    [
        ({}, SUCCESS, SUCCESS, SUCCESS, False),
        ({}, SKIPPED, SUCCESS, SUCCESS, False),
        ({}, WARNINGS, SUCCESS, SUCCESS, False),
        ({"warn_on_warnings": True}, WARNINGS, SUCCESS, WARNINGS, False),
        ({"flunk_on_warnings": True}, WARNINGS, SUCCESS, FAILURE, False),
        ({"warn_on_warnings": True, "flunk_on_warnings": True}, WARNINGS, SUCCESS, FAILURE, False),
        ({}, FAILURE, SUCCESS, FAILURE, False),
        ({"flunk_on_failure": False}, FAILURE, SUCCESS, SUCCESS, False),
        ({"flunk_on_failure": False, "warn_on_failure": True}, FAILURE, SUCCESS, WARNINGS, False),
        ({"warn_on_failure": True}, FAILURE, SUCCESS, FAILURE, False),
        ({"halt_on_failure": True}, FAILURE, SUCCESS, FAILURE, True),
        ({"halt_on_failure": True, "flunk_on_failure": False}, FAILURE, SUCCESS, SUCCESS, True),
        ({"halt_on_failure": True}, WARNINGS, SUCCESS, SUCCESS, False),
        ({}, SUCCESS, FAILURE, FAILURE, False),
        ({"warn_on_warnings": True}, WARNINGS, FAILURE, FAILURE, False),
        ({}, EXCEPTION, FAILURE, EXCEPTION, True),
        ({}, FAILURE, EXCEPTION, EXCEPTION, False),
        ({}, RETRY, EXCEPTION, RETRY, True),
        ({}, CANCELLED, RETRY, CANCELLED, True),
    ],
)
def test_a_steps_result_counts_as_its_flags_say(flags, result, so_far, becomes, halts):
    assert after_step(StepFlags(**flags), result, so_far) == (becomes, halts)


def test_properties_win_in_buildbots_order():
    def layer(word, *names):
        return dict.fromkeys(names, (word, word))

    merged = merged_properties(
        master=layer("master", "p1", "p2", "p3", "p4", "p5", "d1", "d3", "d4"),
        changes=[layer("change", "p2", "c")],
        requests=[layer("request", "p2", "p5", "p7", "p9", "d4", "p10", "d1")],
        builder=layer("builder", "p3", "p4", "p6", "p7", "p8"),
        builder_defaults=layer("builder default", "d2", "d3", "p9", "p8", "p10"),
        worker=layer("worker", "p4", "p5", "p6", "p10"),
        worker_defaults=layer("worker default", "d1", "d2", "p1", "w"),
    )

    assert {name: value for name, (value, _) in merged.items()} == {
        "c": "change",
        "d1": "request",
        "d2": "builder default",
        "d3": "master",
        "d4": "request",
        "p1": "master",
        "p2": "request",
        "p3": "builder",
        "p4": "worker",
        "p5": "worker",
        "p6": "worker",
        "p7": "builder",
        "p8": "builder",
        "p9": "request",
        "p10": "worker",
        "w": "worker default",
    }


def test_with_several_codebases_no_branch_is_a_property():
    own = own_properties(
        builder_name="b",
        builder_id=1,
        build_number=2,
        worker_name="w",
        basedir="/w",
        builddir="/w/b",
        stamps=[],
        owners=[],
    )

    assert "branch" not in own
    assert "owners" not in own
    assert own["buildnumber"] == (2, "Build")


def test_owners_are_told_once_and_in_order():
    requests = [{"owner": ("b", "x")}, {}, {"owner": ("a", "x")}, {"owner": ("b", "x")}]

    assert owners_of(requests, []) == ("b", "a")
    assert owners_of(requests, ["c", "a", "c"]) == ("b", "a", "c")


@pytest.mark.parametrize("value", [None, "0", 7, -1, 1.0, True, False, [], object()])
def test_only_buildbots_numbers_are_results(value):
    assert as_result(value) is None


def test_buildbots_numbers_are_results():
    assert [as_result(number) for number in range(7)] == list(Result)


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("stdio", "stdio"),
        ("err.text", "err_text"),
        ("test log/1", "test_log_1"),
        ("1st", "_st"),
        ("größe", "größe"),
        ("x" * 80, "x" * 50),
    ],
)
def test_the_slug_of_a_log_fits_into_addresses(name: str, slug: str):
    assert slug_of(name) == slug
