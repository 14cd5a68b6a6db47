"""Whatever a secret is, and however a text writes it, it is not shown."""

from __future__ import annotations

import html
import json
import shlex
from urllib.parse import quote, quote_plus

import markupsafe
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargehand.kit.passwords import secrets_in, without_passwords
from chargehand.kit.redaction import SHORTEST, Redaction

WAYS = {
    "as it is": str,
    "in a URL": quote,
    "in a path of a URL": lambda text: quote(text, safe=""),
    "in a form": quote_plus,
    "in JSON": json.dumps,
    "in readable JSON": lambda text: json.dumps(text, ensure_ascii=False),
    "in HTML": html.escape,
    "in HTML of Jinja": lambda text: str(markupsafe.escape(text)),
    "in Python": repr,
    "in Python, as bytes": lambda text: repr(text.encode()),
    "in a shell": shlex.quote,
    "in the header of a log": lambda text: "'" + text.replace("'", "'\"'\"'") + "'",
}

secrets = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc"], include_characters="\n\t"),
    min_size=SHORTEST,
).filter(lambda text: len(text.strip().strip(" \n\t\"'")) >= SHORTEST and "<shown>" not in text)


def stays(written: str, text: str) -> bool:
    return written in text.replace("<shown>", "")


@pytest.mark.parametrize("way", WAYS)
@given(secret=secrets, before=st.text(max_size=5), after=st.text(max_size=5))
def test_a_secret_is_found_however_it_is_written(way, secret, before, after):
    redaction = Redaction()
    redaction.hide(secret, "<shown>")
    written = WAYS[way](secret)

    shown = redaction.text(before + written + after)

    assert "<shown>" in shown
    assert not stays(written.strip("'\""), shown)


@given(lines=st.lists(secrets.filter(lambda text: text.splitlines() == [text]), min_size=2))
def test_each_line_of_a_secret_of_several_lines_is_one(lines):
    redaction = Redaction()
    redaction.hide("\n".join(lines), "<shown>")

    shown = [redaction.text(f"o{line}") for line in lines]

    assert all("<shown>" in line for line in shown)


@given(value=st.recursive(secrets, lambda inner: st.lists(inner) | st.dictionaries(secrets, inner)))
def test_values_have_no_secret_in_any_corner(value):
    redaction = Redaction()
    redaction.hide("s3cr3t", "<shown>")

    value = redaction.value({"a": [value, {"s3cr3t": "x s3cr3t", "n": (1, None, "s3cr3t")}]})

    assert "s3cr3t" not in json.dumps(value)


def test_a_number_that_is_a_secret_is_hidden():
    redaction = Redaction()
    redaction.hide("123456", "<pin>")

    assert redaction.value([123456, 7, True]) == ["<pin>", 7, True]


def test_values_of_three_characters_are_not_looked_for():
    redaction = Redaction()
    redaction.hide("abc", "<short>")

    assert (redaction.has_secrets, redaction.text("abcdef")) == (False, "abcdef")


def test_the_longer_of_two_secrets_is_found_first():
    redaction = Redaction()
    redaction.hide("hunter", "<a>")
    redaction.hide("hunter2", "<b>")

    assert redaction.text("hunter2 hunter") == "<b> <a>"


def test_a_part_tells_the_whole_and_knows_nothing_of_other_parts():
    whole = Redaction()
    one, other = whole.part(), whole.part()
    one.hide("hunter2", "<pw>")

    assert [each.text("hunter2") for each in (whole, one, other)] == ["<pw>", "<pw>", "hunter2"]


@pytest.mark.parametrize(
    ("url", "shown", "password"),
    [
        ("https://user:hunter2@host/x.git", "https://user:***@host/x.git", "hunter2"),
        ("see ssh://u:a%2Fb@[::1]:22/x.", "see ssh://u:***@[::1]:22/x.", "a%2Fb"),
        ("http://:token@host", "http://:***@host", "token"),
        ("https://u:p@ss@host/", "https://u:***@host/", "p@ss"),
        ("https://user:<pw>@host", "https://user:<pw>@host", None),
        ("https://user:***@host", "https://user:***@host", None),
        ("https://host:8080/a@b", "https://host:8080/a@b", None),
        ("git@host:x.git and http://host", "git@host:x.git and http://host", None),
        ("git://git@host/x", "git://git@host/x", None),
    ],
)
def test_passwords_in_urls_are_not_shown(url, shown, password):
    assert (without_passwords(url), next(secrets_in(url), None)) == (shown, password)


_texts = st.lists(
    st.sampled_from(["https://", "user:", "pass", "@", "host/", "?token=", "x", "\ud800", "é"]),
    max_size=6,
).map("".join)


@given(
    st.dictionaries(
        _texts,
        st.tuples(st.recursive(_texts | st.integers() | st.none(), st.lists, max_leaves=4), _texts),
        max_size=3,
    )
)
def test_all_texts_of_a_value_are_shown_as_each_alone(value):
    def shown(part):
        if isinstance(part, str):
            return Redaction().text(part)
        return [shown(item) for item in part] if isinstance(part, list) else part

    expected = {shown(name): (shown(one), shown(source)) for name, (one, source) in value.items()}

    assert Redaction().value(value) == expected
