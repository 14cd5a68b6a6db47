"""Texts of others for terminals: control characters are shown, and have no effect."""

from __future__ import annotations

import re

_COLOUR = re.compile(r"(\x1b\[[0-9;:]*m)")
_SEQUENCE = re.compile(r"\x1b(?:\][^\x07\x1b]*(?:\x07|\x1b\\)|\[[0-?]*[ -/]*[@-~]|[()][0-9A-B])")
"""Sequences of programs for terminals: titles, movements of the cursor, character sets."""
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def plain(text: str) -> str:
    """Return a text with its control characters, but line breaks and tabs, as escapes."""
    return text if text.isprintable() else _CONTROL.sub(_escaped, text)


def plain_but_colours(text: str) -> str:
    """Return a text with the sequences for colours as they are, and without others that terminals
    obey (moving the cursor, titles …); further control characters are escapes."""
    if text.isprintable():
        return text
    pieces = _COLOUR.split(text)
    pieces[::2] = [plain(_SEQUENCE.sub("", piece)) for piece in pieces[::2]]
    return "".join(pieces)


def plain_line(text: str) -> str:
    """Return a text as `plain` does, its line breaks as escapes too."""
    return plain(text).replace("\n", "\\n")


def plain_value(value: object) -> object:
    """Return a value of JSON with all texts in it, but keys, so."""
    match value:
        case str():
            return plain(value)
        case list():
            return [plain_value(item) for item in value]
        case dict():
            return {key: plain_value(item) for key, item in value.items()}
    return value


def _escaped(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode()
