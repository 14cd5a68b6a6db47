"""How commands read what a person names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargehand.app.failure import CommandFailed
from chargehand.cli.remote.finding import Kind, Named, named

_NAMES = st.text(min_size=1).filter(
    lambda name: name == name.strip() and "://" not in name and not name.startswith("/")
)


@given(name=_NAMES, number=st.integers(0, 10**9), sign=st.sampled_from("#/"))
def test_a_build_of_a_builder_of_any_name_is_understood(name: str, number: int, sign: str):
    assert named(f"{name}{sign}{number}") == Named(Kind.BUILD, number, name)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tests", Named(Kind.BUILDER, builder="tests")),
        ("change:7#5", Named(Kind.BUILD, 5, "change:7")),
        ("7", Named(Kind.NUMBER, 7)),
        ("#7", Named(Kind.NUMBER, 7)),
        ("request 7", Named(Kind.REQUEST, 7)),
        ("Change:7", Named(Kind.CHANGE, 7)),
        ("build:7", Named(Kind.BUILD, 7)),
        ("http://ci/#/builders/4/builds/5", Named(Kind.BUILD, 5, "4")),
        ("http://ci/builders/a%20b/builds/5", Named(Kind.BUILD, 5, "a b")),
        ("http://ci/#/buildrequests/5?x=1", Named(Kind.REQUEST, 5)),
    ],
)
def test_other_ways_to_name_a_thing(text: str, expected: Named):
    assert named(text) == expected


def test_an_address_of_something_else_is_refused():
    with pytest.raises(CommandFailed, match="not the address of a build"):
        named("http://ci/#/workers")
