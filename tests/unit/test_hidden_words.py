"""Words of a command line that the header of a stock worker's command does not show."""

from __future__ import annotations

import pytest

from chargehand.links.stock.hidden_words import hidden_in

HEADER = """\
echo ab12 -p ab 'a'"'"'b c' --x=ab
 in dir /w/b (timeout 1200 secs)
 argv: [b'echo', b'ab12', b'-p', b'ab', b"a'b c", b'--x=ab']
 environment:
  PATH=/ab/bin
"""


def test_short_words_are_hidden_where_the_command_line_is_and_nowhere_else() -> None:
    command = [
        *("echo", "ab12", "-p"),
        ("obfuscated", "ab", "XX"),
        ("obfuscated", "a'b c", "XXX"),
        "--x=ab",
    ]
    hidden = hidden_in({"command": command})
    assert hidden is not None
    shown = hidden.without(HEADER).splitlines()
    assert shown[0] == "echo ab12 -p XX XXX --x=ab"
    assert shown[2] == " argv: [b'echo', b'ab12', b'-p', b'XX', b'XXX', b'--x=ab']"
    assert shown[4] == "  PATH=/ab/bin"
    python_2 = "no output running ['echo', 'ab12', '-p', 'ab', \"a'b c\", '--x=ab'], killing"
    assert hidden.without(python_2) == (
        "no output running ['echo', 'ab12', '-p', 'XX', 'XXX', '--x=ab'], killing"
    )


def test_longer_words_are_hidden_everywhere() -> None:
    hidden = hidden_in({"command": ["login", ("obfuscated", "hunter2", "XXX")]})
    assert hidden is not None
    assert hidden.without("cannot run 'hunter2': not found") == "cannot run 'XXX': not found"


@pytest.mark.parametrize("command", ["echo ab", ["echo", "ab"], None])
def test_nothing_is_hidden_where_nothing_is_to_be(command: object) -> None:
    assert hidden_in({"command": command}) is None


@pytest.mark.parametrize("odd", ["half \ud800", "odd \udcff byte"])
def test_texts_that_no_encoding_has_are_hidden_too(odd: str) -> None:
    hidden = hidden_in({"command": ["login", odd, ("obfuscated", odd + "!", "XXX")]})
    assert hidden is not None
    assert hidden.without(f" argv: {['login', odd, odd + '!']!r}") == (
        f" argv: {['login', odd, 'XXX']!r}"
    )
    assert hidden.without(f"no user {odd}!") == "no user XXX"
