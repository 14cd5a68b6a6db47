"""What may be wrong with an order that a person or a script gives."""

from __future__ import annotations

from collections.abc import Mapping


class InvalidParameters(Exception):
    """Parameters of an order are wrong; ``errors`` maps their names to sentences."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {text}" for name, text in errors.items()))
        self.errors = dict(errors)


def text_error(text: str) -> str | None:
    """Return why no database can hold the text, None where every one can."""
    if "\0" in text:
        return "must not contain NUL characters"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "must be valid Unicode: it contains a lone surrogate"
    return None
