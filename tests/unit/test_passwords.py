"""Passwords in addresses are found in texts and in JSON alike, whatever they consist of."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargehand.kit.passwords import (
    body_without_passwords,
    secrets_in,
    without_passwords,
    without_passwords_in,
    without_passwords_in_json,
)
from chargehand_wire.addresses import is_plain

ENDS = ' \t\n\r\f\v/"'
PASSWORDS = st.text(
    st.characters(codec="utf-8", exclude_characters=ENDS, exclude_categories=["Cc"]), min_size=1
)
USERS = st.text(
    st.characters(codec="utf-8", exclude_characters=ENDS + ":", exclude_categories=["Cc"])
)
AROUND = st.text(st.characters(codec="utf-8"), max_size=8)
PIECES = [
    *(*":/@\"\\*<> \n\t\0'", "u", "pw", "://", "://u:pw@", "***", "<x>"),
    *(
        "ghp_a",
        "x-oauth-basic",
        "f" * 32,
        "?",
        "&",
        "#",
        ";",
        "=",
        "token=",
        ";X-Api-Key=",
        "\u00e9",
    ),
]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)


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
    assert not list(secrets_in(shown))


@given(st.lists(TEXTS, max_size=3) | st.dictionaries(TEXTS, st.tuples(TEXTS) | TEXTS, max_size=2))
def test_json_is_treated_like_the_strings_in_it(value):
    value = json.loads(json.dumps(value))  # lists for tuples
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
        ("https://alice@host/x", "https://alice@host/x"),
        ("https://glenn-smith.ci_bot2@host/x", "https://glenn-smith.ci_bot2@host/x"),
        ("https://ghp_abc@github.com/x", "https://***@github.com/x"),
        ("https://github_pat_1_b:@github.com/x", "https://***@github.com/x"),
        ("https://glpat-a-b:pw@host", "https://***@host"),
        (f"https://{'0f' * 20}@gitea.example/x", "https://***@gitea.example/x"),
        ("https://abc:x-oauth-basic@github.com/x", "https://***@github.com/x"),
        ("https://x-access-token:abc@host", "https://x-access-token:***@host"),
        ("https://ghp_abc@a:b@host", "https://***@host"),
        (
            "(see /x?token=a.b:c) or ?token=d, ?token=e: gone",
            "(see /x?token=***) or ?token=***, ?token=***: gone",
        ),
        ("(see /x?token=abc&page=2)", "(see /x?token=***&page=2)"),
        ("?a=b&private_token=x/y=#access_token=z", "?a=b&private_token=***#access_token=***"),
        ("https://h/?X-Token='a'", "https://h/?X-Token='a'"),
        ("'https://h/?X-Gitlab-Token=a', 'b'", "'https://h/?X-Gitlab-Token=***', 'b'"),
        ("?api_key=1&apikey=2&API-KEY=3", "?api_key=***&apikey=***&API-KEY=***"),
        ("?X-Amz-Signature=1&sig=2&design=3", "?X-Amz-Signature=***&sig=***&design=3"),
        ("?client_secret=1&dbpassword=2", "?client_secret=***&dbpassword=***"),
        ("?tokens=1&token_id=2&author=3&key=4", "?tokens=1&token_id=2&author=3&key=4"),
    ],
)
def test_addresses_as_people_write_them(text, shown):
    assert without_passwords(text) == shown


def test_secrets_are_found_as_they_are_written_and_decoded():
    address = "https://ghp_a%40:x-oauth-basic@host/?token=b%2Fc"

    found = set(secrets_in(address))

    assert found >= {"ghp_a%40", "ghp_a@", "b%2Fc", "b/c"}
    assert "x-oauth-basic" not in found


@pytest.mark.parametrize(
    "text", ["=;" + "x-token" * 20_000, "://" + ";token" * 20_000 + "=", "=" + "://u:a" * 20_000]
)
def test_long_texts_take_time_in_proportion(text):
    # What takes quadratic time does not end within the limit of a test.
    assert without_passwords(without_passwords(text)) == without_passwords(text)
