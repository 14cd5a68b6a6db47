"""Filters, time tables and source stamps: pure rules."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buildbot.changes.filter import ChangeFilter
from buildbot.process.properties import Properties
from buildbot.util.ssfilter import SourceStampFilter
from chargehand.domain.change import Change
from chargehand.domain.identifiers import ChangeId, SourceStampId
from chargehand.domain.source_stamp import Patch, SourceStamp
from chargehand.scheduling.rules import (
    Codebase,
    change_properties,
    stamps_of_changes,
    stamps_with_defaults,
)
from chargehand.scheduling.time_table import TimeTable, TimeTableError

BERLIN = ZoneInfo("Europe/Berlin")


def change(number: int = 1, **fields: Any) -> Change:
    usual: dict[str, Any] = {
        "author": "me",
        "committer": None,
        "files": (),
        "comments": "",
        "revision": str(number),
        "when": 0.0,
        "branch": None,
        "category": None,
        "revlink": "",
        "properties": {},
        "repository": "",
        "project": "",
        "codebase": "",
    }
    return Change(
        id=ChangeId(number), source_stamp_id=SourceStampId(100 + number), **(usual | fields)
    )


@pytest.mark.parametrize(
    ("conditions", "fields", "passes"),
    [
        ({}, {}, True),
        ({"branch": None}, {}, True),
        ({"branch": None}, {"branch": "x"}, False),
        ({"branch": ["x", None]}, {}, True),
        ({"branch": "x"}, {"branch": "xx"}, False),
        ({"branch_not_eq": None}, {}, False),
        ({"branch_not_eq": "x"}, {}, True),
        ({"branch_not_eq": ["x", "y"]}, {"branch": "y"}, False),
        ({"branch_re": ".*"}, {}, False),
        ({"branch_re": re.compile("x")}, {"branch": "xy"}, True),
        ({"branch_re": ["a", "b"]}, {"branch": "bx"}, True),
        ({"branch_not_re": ".*"}, {}, True),
        ({"branch_not_re": ["a", "b"]}, {"branch": "cb"}, True),
        ({"category": None}, {"category": "x"}, True),
        ({"category_re": "a"}, {"category": "ba"}, False),
        ({"project": ["p", "q"]}, {"project": "q"}, True),
        ({"repository": "r", "codebase": "c"}, {"repository": "r"}, False),
        ({"branch_fn": lambda branch: branch == "x"}, {"branch": "x"}, True),
        ({"property_eq": {"a": 1}}, {"properties": {"a": (1, "Change")}}, True),
        ({"property_eq": {"a": [1, 2]}}, {"properties": {"a": (2, "Change")}}, True),
        ({"property_eq": {"a": 1}}, {}, False),
        ({"property_not_eq": {"a": 1}}, {}, True),
        ({"property_re": {"a": "x"}}, {"properties": {"a": ("xy", "Change")}}, True),
        ({"property_re": {"a": "1"}}, {"properties": {"a": (12, "Change")}}, True),
        ({"property_re": {"a": "x"}}, {}, False),
        ({"property_not_re": {"a": "x"}}, {}, True),
    ],
)
def test_a_change_filter_lets_pass_what_fulfils_all(
    conditions: dict[str, Any], fields: dict[str, Any], passes: bool
) -> None:
    filter_ = ChangeFilter(**conditions)
    rule = filter_._as_rule()

    assert rule is not None
    assert rule(change(**fields)) is passes
    assert filter_.filter_change(change(**fields)) is passes


def test_a_filter_takes_properties_as_users_have_them() -> None:
    class Mine:
        branch = None
        properties = Properties.fromDict({"a": (1, "x")})

    assert ChangeFilter(property_eq={"a": 1}).filter_change(Mine())


def test_a_filter_with_a_function_asks_it_first() -> None:
    asked: list[Any] = []
    filter_ = ChangeFilter(filter_fn=lambda c: asked.append(c) or True, project="p")

    assert not filter_.filter_change(change())
    assert len(asked) == 1
    assert filter_._as_rule() is None


def test_filters_compare_and_describe_themselves() -> None:
    one = ChangeFilter(branch="a", project_re="x", category_not_eq=["z"])

    assert one == ChangeFilter(branch="a", project_re="x", category_not_eq=["z"])
    assert one != ChangeFilter(branch="b")
    assert repr(one) == (
        "<ChangeFilter on project matches [re.compile('x')] and branch in ['a'] "
        "and category not in ['z']>"
    )


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        ({"branch": 5}, "filter branch_eq must be a string, None, or a list of these, not 5"),
        ({"project": 5}, "filter project_eq must be a string or a list of strings, not 5"),
        (
            {"branch_re": 5},
            "filter branch_re must be a string, a regular expression, or a list of these, not 5",
        ),
        ({"property_eq": 5}, "filter property_eq must be a dictionary, not 5"),
    ],
)
def test_filters_refuse_what_makes_no_sense(conditions: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        ChangeFilter(**conditions)


def test_source_stamps_are_filtered_likewise() -> None:
    stamp = {"branch": None, "project": "", "repository": "", "codebase": ""}

    assert SourceStampFilter(branch_eq=None).is_matched(stamp)
    assert not SourceStampFilter(branch_eq="x").is_matched(stamp)
    assert not SourceStampFilter(filter_fn=lambda found: found["branch"] == "q").is_matched(stamp)


# Source stamps


def test_the_newest_change_of_each_codebase_is_built() -> None:
    codebases = {"b": Codebase(), "a": Codebase(branch="dev", repository="r", revision="7")}
    changes = [change(1, codebase="b"), change(2, codebase="b")]

    assert stamps_of_changes(codebases, changes) == (
        SourceStamp(codebase="a", branch="dev", repository="r", revision="7"),
        102,
    )


def test_properties_come_from_the_newest_change_of_each_codebase() -> None:
    first = change(1, properties={"p": ("one", "Change"), "q": (1, "Change")})
    second = change(2, properties={"p": ("two", "Change")})
    other = change(3, codebase="lib", properties={"r": (3, "Change")})

    assert change_properties([first, second, other]) == {
        "p": ("two", "Change"),
        "r": (3, "Change"),
    }


def test_what_is_said_of_a_codebase_wins_over_its_defaults() -> None:
    codebases = {"": Codebase(branch="main", repository="r"), "lib": Codebase(revision="1")}
    said = [
        {"codebase": "", "branch": "x", "patch_body": "diff", "patch_level": 1},
        {"codebase": "more", "revision": "9"},
    ]

    assert stamps_with_defaults(codebases, said) == (
        SourceStamp(branch="x", repository="r", patch=Patch(level=1, body=b"diff")),
        SourceStamp(codebase="lib", revision="1"),
        SourceStamp(codebase="more", revision="9"),
    )


# Time tables


def at(text: str, *, fold: int = 0, zone: ZoneInfo = BERLIN) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold).timestamp()


def times(table: TimeTable, since: float, count: int) -> list[str]:
    found = []
    for _ in range(count):
        since = table.next_after(since, BERLIN)
        found.append(datetime.fromtimestamp(since, BERLIN).strftime("%d. %H:%M %z"))
    return found


@pytest.mark.parametrize(
    ("day_of_week", "cron"),
    [
        (0, "1"),
        (6, "0"),
        ("6", "0"),
        ("0,2", "1,3"),
        ([0, 6], "1,0"),
        (["mon", 6], "mon,0"),
        ("mon-fri", "mon-fri"),
        ("0-4", "0-4"),
        ("*/2", "*/2"),
        ("*", "*"),
    ],
)
def test_days_count_from_monday_as_buildbot_has_it(day_of_week: Any, cron: str) -> None:
    table = TimeTable(minute="*/5", hour=(1, 2), day_of_week=day_of_week)

    assert table.cron_line == f"*/5 1,2 * * {cron}"


@pytest.mark.parametrize("wrong", [{"minute": 61}, {"hour": "zz"}, {"month": 13}, {"hour": []}])
def test_a_time_table_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(TimeTableError):
        TimeTable(**wrong).check()


def test_a_time_that_is_skipped_in_spring_is_due_an_hour_later() -> None:
    table = TimeTable(minute=30, hour=2)

    assert times(table, at("2024-03-30T12:00"), 2) == ["31. 03:30 +0200", "01. 02:30 +0200"]


def test_a_fixed_time_that_comes_twice_in_autumn_is_due_once() -> None:
    table = TimeTable(minute=30, hour=2)

    assert times(table, at("2024-10-26T12:00"), 2) == ["27. 02:30 +0200", "28. 02:30 +0100"]


def test_every_hour_means_both_of_the_equal_ones() -> None:
    table = TimeTable(minute=30)

    assert times(table, at("2024-10-27T01:00"), 4) == [
        "27. 01:30 +0200",
        "27. 02:30 +0200",
        "27. 02:30 +0100",
        "27. 03:30 +0100",
    ]


def test_every_half_hour_goes_on_when_an_hour_is_skipped() -> None:
    table = TimeTable(minute="*/30")

    assert times(table, at("2024-03-31T01:10"), 3) == [
        "31. 01:30 +0100",
        "31. 03:00 +0200",
        "31. 03:30 +0200",
    ]


def test_a_day_that_few_months_have_is_found() -> None:
    table = TimeTable(minute=0, hour=0, day_of_month=29, month=2)

    assert times(table, at("2023-03-01T00:00"), 1) == ["29. 00:00 +0100"]


def test_a_forced_minute_is_recognized() -> None:
    table = TimeTable(minute=15, hour=3)

    assert table.is_due(at("2024-05-05T03:15:42"), BERLIN)
    assert not table.is_due(at("2024-05-05T03:16:00"), BERLIN)


@given(
    minute=st.one_of(st.integers(0, 59), st.just("*"), st.just("*/7")),
    hour=st.one_of(st.integers(0, 23), st.just("*"), st.just("1-5")),
    since=st.integers(1_700_000_000, 1_800_000_000),
)
def test_the_next_time_is_later_in_the_table_and_none_is_left_out(
    minute: Any, hour: Any, since: int
) -> None:
    table = TimeTable(minute=minute, hour=hour)

    found = table.next_after(since, UTC)

    assert found > since
    assert found % 60 == 0
    assert table.is_due(found, UTC)
    halfway = since + (found - since) // 2 // 60 * 60
    assert table.next_after(halfway, UTC) == found or halfway == found


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"hour": 25}, "hour=25: must be 0\N{EN DASH}23"),
        ({"minute": [0, 61]}, "minute=[0, 61]: must be 0\N{EN DASH}59"),
        ({"month": 13, "hour": 99}, "hour=99: must be 0\N{EN DASH}23"),
        ({"day_of_month": 0}, "dayOfMonth=0: must be 1\N{EN DASH}31"),
        ({"day_of_week": "never"}, "dayOfWeek='never': must be 0\N{EN DASH}6 (0 is Monday)"),
    ],
)
def test_the_first_field_of_a_time_table_that_makes_no_sense_is_named(fields, sentence: str):
    with pytest.raises(TimeTableError) as raised:
        TimeTable(**fields).check()

    assert str(raised.value) == sentence
