"""Errors in calls of people and scripts."""

from __future__ import annotations

from collections.abc import Mapping


class InvalidParameters(Exception):
    """Parameters are invalid; ``errors`` maps their names to messages."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {text}" for name, text in errors.items()))
        self.errors = dict(errors)


def text_error(text: str) -> str | None:
    """Return why some database cannot store the text, or None."""
    if "\0" in text:
        return "must not contain NUL characters"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "must be valid Unicode: it contains a lone surrogate"
    return None
