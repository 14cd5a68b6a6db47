"""Text that no encoding has: with bytes that were no text, or with halves of characters."""

from __future__ import annotations


def bytes_of(text: str) -> bytes:
    """Return a text's bytes: odd bytes as they were, halves of characters as escapes."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace")
