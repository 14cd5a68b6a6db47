"""Sentences that people read in lists: of a bounded length, whatever they tell of."""

from __future__ import annotations

LONGEST = 1000
"""Characters; a command's whole text is in its log."""
_END = 100


def sentence(text: str) -> str:
    """Return a text as it is kept and shown: cut in its middle, and only with real characters."""
    if len(text) > LONGEST:
        text = f"{text[: LONGEST - _END - 3]} … {text[-_END:]}"
    if text.isascii() and "\0" not in text:
        return text
    return text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")
