"""Expressions of the configuration are compared with strangers' texts in linear time."""

from __future__ import annotations

import re
import resource

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buildbot.schedulers.forcesched import StringParameter
from chargehand.kit.linear_patterns import is_linear, matches
from chargehand.scheduling.change_filter import ChangeFilter, matching

_SLOW = (r"(a+)+$", r"([a-z]+)*!$", r"(.*)*x$", r"(a|aa)+$", r"^(\w+\s?)*$")
_TEXT = "a" * 5_000 + "\x01"


def _seconds() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_utime


@pytest.mark.parametrize("pattern", _SLOW)
def test_patterns_that_explode_do_not(pattern: str):
    began = _seconds()
    assert not matches(re.compile(pattern), _TEXT)
    form = StringParameter(name="x", regex=pattern)
    with pytest.raises(Exception, match="does not match"):
        form.getFromKwargs({"x": [_TEXT[-40:]]})
    fits = ChangeFilter(fields=(matching("branch", pattern),))
    change = type("Change", (), {"branch": _TEXT, "properties": {}})()
    assert not fits(change)
    assert _seconds() - began < 5


_PIECES = st.sampled_from(
    ["a", "b", "\\.", ".", "a*", "b+?", "(a|b)", "(?:ab)*", "[ab]", "[^a]", "^", "$", "\\d", "\\w",
     "\\s", "\\b", "a{2}", "b{,2}", "(?=a)", "é", "\\n", "(?i:A)", "(?P<x>a)?", "|", "[]a]", "\\A",
     "\\Z", "[[:a]", "\\x61", "(a)?"]
)  # fmt: skip


@given(
    st.lists(_PIECES, max_size=5).map("".join),
    st.text(alphabet="abAé1 .\n:[]", max_size=8),
    st.sampled_from([0, re.IGNORECASE, re.MULTILINE, re.DOTALL, re.VERBOSE, re.ASCII]),
)
def test_they_match_what_python_matches(pattern: str, text: str, flags: int):
    try:
        expression = re.compile(pattern, flags)
    except re.error:
        return
    assert matches(expression, text) == (expression.match(text) is not None)


def test_what_is_linear_is_known():
    assert is_linear(re.compile(r"release/\d+$", re.IGNORECASE))
    assert not is_linear(re.compile(r"(?!release)"))
