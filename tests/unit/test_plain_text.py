"""Texts of others cannot command a terminal."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chargehand.cli.plain_text import plain, plain_value


def test_control_characters_are_shown():
    row = {
        "author": "me\x1b[31m",
        "lines": ["a\tb\nc", "\x9b2J", 3, None],
        "title": "\x1b]0;x\x07é",
    }

    assert plain_value(row) == {
        "author": "me\\x1b[31m",
        "lines": ["a\tb\nc", "\\x9b2J", 3, None],
        "title": "\\x1b]0;x\\x07é",
    }


@given(st.text())
def test_nothing_else_is_changed(text):
    found = plain(text)

    assert not any(character < " " and character not in "\n\t" for character in found)
    assert found == text or any(not character.isprintable() for character in text)
