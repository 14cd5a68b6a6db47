"""Text at the system's border: bytes that may not be valid text."""

from __future__ import annotations

import os


def bytes_of(text: str) -> bytes:
    """Return a text's bytes; odd bytes as they were, halves of characters as escapes."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace")


def reason_of(error: OSError | ValueError) -> str:
    """Return why something could not be done, as a person says it."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    if "null byte" in str(error):
        return "a name or an argument has a zero byte"
    return str(error)


def text_of(value: object) -> str:
    """Return what was given for an argument as text, bytes included."""
    return os.fsdecode(value) if isinstance(value, bytes) else str(value)
