"""Making changes of what sources give."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargehand.domain.change import NewChange
from chargehand.intake.rules import InvalidChange, as_dict, change_from


def test_bytes_and_old_names_are_understood() -> None:
    change = change_from(
        {
            "who": "Ann Ö".encode(),
            "files": [b"a", "b"],
            "comments": b"c",
            "when": 12,
            "properties": {b"p": b"v", "q": [1, (b"x",)]},
            "src": "git",
        }
    )

    assert change == NewChange(
        author="Ann Ö",
        files=("a", "b"),
        comments="c",
        when=12.0,
        properties={"p": ("v", "Change"), "q": ([1, ["x"]], "Change")},
    )


def test_a_revision_may_be_a_number() -> None:
    assert change_from({"author": "a", "revision": 17}).revision == "17"


def test_a_date_is_a_time() -> None:
    when = datetime(2021, 1, 1, tzinfo=UTC)

    assert change_from({"author": "a", "when_timestamp": when}).when == 1609459200.0


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({}, "a change needs an author"),
        ({"author": 3}, "author must be a string, not 3"),
        ({"author": b"\xff"}, "author is not UTF-8"),
        ({"author": "a", "files": "a.c"}, "files must be a list of file names, not 'a.c'"),
        ({"author": "a", "files": [None]}, "a file's name must be a string, not None"),
        ({"author": "a", "when": "now"}, "when must be seconds since 1970, not 'now'"),
        ({"author": "a", "when": True}, "when must be seconds since 1970"),
        ({"author": "a", "properties": []}, "properties must be a dictionary"),
        ({"author": "a", "properties": {"p": object()}}, "property 'p' must have a JSON value"),
        ({"author": "a", "filez": []}, "unknown arguments for a change: 'filez'"),
    ],
)
def test_what_is_no_change_is_refused_in_words(fields: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidChange, match=sentence):
        change_from(fields)


_texts = st.text(max_size=8)


@given(
    st.fixed_dictionaries(
        {"author": _texts},
        optional={
            "committer": st.none() | _texts,
            "files": st.lists(_texts),
            "comments": _texts,
            "revision": st.none() | _texts,
            "when_timestamp": st.none() | st.floats(0, 1e10),
            "branch": st.none() | _texts,
            "properties": st.dictionaries(
                _texts, st.none() | st.integers(-(2**63), 2**64 - 1) | _texts
            ),
            "codebase": _texts,
        },
    )
)
def test_a_change_shown_as_a_dictionary_makes_the_same_change(fields: dict[str, Any]) -> None:
    change = change_from(fields)

    assert change_from(as_dict(change)) == change
