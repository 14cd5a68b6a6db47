"""Searching logs: what matches, and what is shown of it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargehand.logs.searching import BadPattern, LogSearch, Pattern


def _searched(
    text: bytes,
    pattern: str,
    *,
    is_regex: bool = False,
    has_case: bool = True,
    limit: int = 100,
    first_line: int = 0,
) -> LogSearch:
    search = LogSearch(Pattern(pattern, is_regex=is_regex, has_case=has_case), limit=limit)
    search.take(first_line, text)
    return search


def _found(text: bytes, pattern: str, **options: bool) -> list[tuple[int, str, list[str]]]:
    search = _searched(text, pattern, **options)
    return [
        (one.line, one.text, [one.text[start:end] for start, end in one.ranges])
        for one in search.matches
    ]


def test_each_matching_line_is_found_once_with_all_its_hits():
    text = b"one two one\nthree\n\none\n"

    assert _found(text, "one") == [(0, "one two one", ["one", "one"]), (3, "one", ["one"])]


def test_text_is_not_a_regular_expression():
    assert _found(b"a.b\naxb\n", "a.b") == [(0, "a.b", ["a.b"])]
    assert _found(b"[31m\n(?i)\n", "(?i)") == [(1, "(?i)", ["(?i)"])]


def test_case_counts_only_if_it_is_to():
    text = "ERROR\nerror\nÄRGER\n".encode()

    assert [one[0] for one in _found(text, "error")] == [1]
    assert [one[0] for one in _found(text, "error", has_case=False)] == [0, 1]
    assert [one[0] for one in _found(text, "ärger", has_case=False)] == [2]


@pytest.mark.parametrize(
    ("pattern", "lines"),
    [
        ("^b", [1]),
        ("a$", [0]),
        ("^$", [2]),
        ("a[^x]*b", []),
        (r"a\s+b", []),
        ("(?s)a.b", []),
        ("^", [0, 1, 2, 3]),
        ("$", [0, 1, 2, 3]),
        ("x*", [0, 1, 2, 3]),
        ("a|c", [0, 3]),
    ],
)
def test_a_regular_expression_is_compared_with_each_line_by_itself(pattern: str, lines: list[int]):
    assert [one[0] for one in _found(b"a\nb\n\nc\n", pattern, is_regex=True)] == lines


def test_bytes_that_are_no_utf_8_hide_nothing():
    assert _found(b"\xff\xfe needle \xff\n", "needle") == [
        (0, "\ufffd\ufffd needle \ufffd", ["needle"])
    ]


def test_all_matches_are_counted_beyond_those_that_are_kept():
    search = _searched(b"x\ny\n" * 1000, "x", limit=3)

    assert [one.line for one in search.matches] == [0, 2, 4]
    assert search.total == 1000


def test_pieces_of_a_log_are_numbered_through():
    search = LogSearch(Pattern("x", is_regex=False, has_case=True), limit=10)
    search.take(5, b"x\ny\n")
    search.take(7, b"y\nx\n")

    assert [one.line for one in search.matches] == [5, 8]


def test_numbers_alone_are_lighter():
    pattern = Pattern("x", is_regex=False, has_case=True)
    search = LogSearch(pattern, limit=2, only_numbers=True)
    search.take(0, b"x\nx\ny\nx\n")

    assert (search.numbers, search.matches, search.total) == ([0, 1], [], 3)


@pytest.mark.parametrize("character", ["a", "é", "✓", "🚀"])
@pytest.mark.parametrize("before", [0, 50, 100, 101, 399, 400, 5_000])
@pytest.mark.parametrize("after", [0, 50, 299, 300, 5_000])
def test_of_a_long_line_the_part_around_the_first_hit_is_shown(
    character: str, before: int, after: int
):
    line = character * before + "needle" + character * after
    [match] = _searched(f"{line}\n".encode(), "needle").matches

    assert len(match.text) == min(400, len(line))
    assert match.text in line
    [(start, end)] = match.ranges
    assert match.text[start:end] == "needle"
    assert start >= min(before, 100)


def test_a_hit_longer_than_what_is_shown_is_cut():
    [match] = _searched(b"x" * 5_000 + b"\n", "x+", is_regex=True).matches

    assert (len(match.text), match.ranges) == (400, [(0, 400)])


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("a(b", "missing ): a(b (at position 0)"),
        ("ab(?<=c)", "invalid perl operator: (?<= (at position 2)"),
        ("x[z-a]", "invalid character class range: z-a (at position 2)"),
        (r"(a)\1", r"invalid escape sequence: \1 (at position 3)"),
        ("", "is empty"),
        ("a\nb", "contains a line break; lines are searched one by one"),
        (r"\Aa", r"contains \A or \z; use ^ and $ for the ends of a line"),
        ("x" * 1001, "has more than 1,000 characters"),
        ("((((((((((a{50}){50}){50}){50}){50}){50}){50}){50}){50}){50})", "invalid repetition"),
        ("\ud800", "has half a character at position 0"),
    ],
)
def test_a_pattern_that_cannot_be_searched_for_says_why(pattern: str, message: str):
    with pytest.raises(BadPattern) as caught:
        Pattern(pattern, is_regex=True, has_case=True)

    assert message in str(caught.value)


_LINES = st.lists(st.text(st.sampled_from("abx.é \r"), max_size=12), min_size=1, max_size=8)


@given(_LINES, st.sampled_from(["a", "ab", "a.b", ".", "é"]), st.booleans())
def test_what_is_found_is_what_a_simple_search_finds(
    lines: list[str], pattern: str, is_regex: bool
):
    expression = re.compile(pattern if is_regex else re.escape(pattern))
    expected = [
        (number, line, [found.span() for found in expression.finditer(line)])
        for number, line in enumerate(lines)
        if expression.search(line)
    ]

    search = _searched("".join(f"{line}\n" for line in lines).encode(), pattern, is_regex=is_regex)

    assert [(one.line, one.text, one.ranges) for one in search.matches] == expected
    assert search.total == len(expected)
