"""Passwords in addresses are found in texts and in JSON alike, whatever they consist of."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargehand.kit.passwords import (
    body_without_passwords,
    is_plain,
    password_of,
    without_passwords,
    without_passwords_in,
    without_passwords_in_json,
)

ENDS = ' \t\n\r\f\v/"'
PASSWORDS = st.text(
    st.characters(codec="utf-8", exclude_characters=ENDS, exclude_categories=["Cc"]), min_size=1
)
USERS = st.text(
    st.characters(codec="utf-8", exclude_characters=ENDS + ":", exclude_categories=["Cc"])
)
AROUND = st.text(st.characters(codec="utf-8"), max_size=8)
PIECES = [*':/@"\\*<> \n\t\0', "'", "u", "pw", "://", "://u:pw@", "***", "<x>"]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)


PASSWORDS_NOT_SHOWN_YET = PASSWORDS.filter(lambda text: text[0] not in "*<")


@given(
    user=USERS,
    one=PASSWORDS_NOT_SHOWN_YET,
    other=PASSWORDS_NOT_SHOWN_YET,
    before=AROUND,
    after=AROUND,
)
def test_what_is_shown_does_not_depend_on_the_password(user, one, other, before, after):
    first, second = (
        without_passwords(f"{before}https://{user}:{password}@host/{after}")
        for password in (one, other)
    )

    assert first == second


@given(TEXTS)
def test_taking_passwords_out_twice_changes_no_more(text):
    shown = without_passwords(text)

    assert without_passwords(shown) == shown
    assert password_of(shown) is None


@given(st.recursive(TEXTS, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner)))
def test_json_is_treated_like_the_strings_in_it(value):
    written = json.dumps(value, ensure_ascii=False)

    shown = json.loads(without_passwords_in_json(written))

    assert shown == without_passwords_in(value)
    assert json.loads(body_without_passwords(written.encode())) == shown


@given(text=TEXTS, plain=TEXTS.filter(is_plain))
def test_a_plain_text_is_shown_for_itself_only(text, plain):
    assert (without_passwords(text) == plain) == (text == plain)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://me@corp.example:pw@host/x", "https://me@corp.example:***@host/x"),
        ("https://o'brien:pw'x@host", "https://o'brien:***@host"),
        ("https://u:***@pw@host/", "https://u:***@host/"),
        ("https://u:<a>pw@host/", "https://u:***@host/"),
        ("https://u:<a/b>@host/", "https://u:<a/b>@host/"),
        ('see "http://host:80" by "a@b.c"', 'see "http://host:80" by "a@b.c"'),
        ("http://host:8080\nmail me@host", "http://host:8080\nmail me@host"),
    ],
)
def test_addresses_as_people_write_them(text, shown):
    assert without_passwords(text) == shown
