"""Suppression files: read as Buildbot reads them, and matched where no pattern can do harm."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buildbot.steps.suppressions import (
    FileSuppression,
    SuppressionFailed,
    left_out,
    suppressions_in,
)

_BUILDBOTS = re.compile(r"^\s*(.+?)\s*:\s*(.+?)\s*(?:[:]\s*([0-9]+)(?:-([0-9]+))?\s*)?$")
_COMMENT = re.compile(r"^\s*(#.*)?$")


@given(st.text(alphabet="ab: #1-9\t", max_size=14))
def test_a_line_means_what_buildbots_pattern_makes_of_it(line: str) -> None:
    found = suppressions_in(line)

    match = None if _COMMENT.match(line) else _BUILDBOTS.match(line.strip())
    if match is None or not match[2].strip():
        assert found == []
    else:
        first = int(match[3]) if match[3] else None
        last = int(match[4]) if match[4] else first
        assert found == [FileSuppression(match[1], match[2], first, last)]


@pytest.mark.timeout(10)
def test_a_line_that_is_made_to_be_slow_is_read_at_once() -> None:
    assert len(suppressions_in(" : " * 100_000)) == 1


async def test_warnings_are_left_out_by_file_text_and_lines() -> None:
    suppressions = suppressions_in(
        """
        # generated
        gen/.* : unused
        lib\\.c : .* : 10-20
        lib\\.c : deprecated : 3
        """
    )
    warnings = [
        ("gen/a.c", 1, "unused x"),
        ("gen/a.c", 1, "other"),
        ("lib.c", 10, "any"),
        ("lib.c", 21, "any"),
        ("lib.c", 3, "deprecated"),
        (None, None, "unused"),
    ]

    assert await left_out(suppressions, warnings) == {0, 2, 4, 5}


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("(a+)+$", "takes more than 0.4 s to match"),
        ("(", "is invalid"),
        ("a{1,99999999999999999999}", "is invalid"),
    ],
)
async def test_a_pattern_that_does_harm_is_named_and_harms_nobody(pattern: str, said: str) -> None:
    suppressions = suppressions_in(f"fine : fine\nx : {pattern}")

    with pytest.raises(SuppressionFailed) as raised:
        await left_out(suppressions, [("x", 1, "a" * 64 + "!")], seconds=0.4)

    assert said in str(raised.value)
    assert f'"x : {pattern}"' in str(raised.value)
