"""Text and bytes, names and commands."""

from __future__ import annotations

import re
import textwrap
from typing import Any
from urllib.parse import urlsplit, urlunsplit

_UNSAFE = re.compile(rb"[^-0-9A-Za-z_\x80-\xff]")
_BLANK_LINE = re.compile(r"\n[ \t]*\n")


class _NotABranch:
    """The type of `NotABranch`."""

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "NotABranch"


NotABranch = _NotABranch()
"""What stands for "no branch was named", where None is a branch's name."""


def bytes2unicode(x: Any, encoding: str = "utf-8", errors: str = "strict") -> str | None:
    """Return text for bytes; text and None are returned as they are."""
    if x is None or isinstance(x, str):
        return x
    return str(x, encoding, errors)


def unicode2bytes(x: Any, encoding: str = "utf-8", errors: str = "strict") -> Any:
    """Return bytes for text; anything else is returned as it is."""
    return x.encode(encoding, errors) if isinstance(x, str) else x


def ascii2unicode(x: Any) -> str | None:
    """Return text for ASCII bytes; text and None are returned as they are."""
    return bytes2unicode(x, "ascii")


def safeTranslate(s: Any) -> bytes:
    """Return *s* as bytes that may name a file: anything unusual becomes ``_``."""
    return _UNSAFE.sub(b"_", unicode2bytes(s))


def none_or_str(x: Any) -> str | None:
    """Return ``str(x)``, or None for None."""
    return x if x is None or isinstance(x, str) else str(x)


def string2boolean(str: Any) -> bool:
    """Return True for on, true, yes, 1 and False for off, false, no, 0. Raises KeyError."""
    words = {"on": True, "true": True, "yes": True, "1": True}
    words |= {"off": False, "false": False, "no": False, "0": False}
    text = bytes2unicode(str)
    return words[text.lower() if text is not None else ""]


def stripUrlPassword(url: str) -> str:
    """Return the URL with ``xxxx`` for the password in it."""
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    if not at or ":" not in user:
        return url
    return urlunsplit(parts._replace(netloc=f"{user.partition(':')[0]}:xxxx@{host}"))


def rewrap(text: str, width: int | None = None) -> str:
    """Return the paragraphs of *text*, each as one line of single-spaced words, or wrapped."""
    words = [" ".join(part.split()) for part in _BLANK_LINE.split(text.rstrip())]
    lines = words if width is None else [textwrap.fill(part, width) for part in words]
    return "\n".join(lines) + ("\n" if text.endswith("\n") else "")


def command_to_string(command: Any) -> str | None:
    """Return a few words that tell a command, ``'make all ...'``; None if there are none."""
    if not command:
        return None
    if isinstance(command, bytes | str):
        words: list[Any] = (bytes2unicode(command, errors="replace") or "").split()
    elif isinstance(command, list | tuple):
        words = list(_flat(command))
    else:
        return None
    if not words:
        return None
    shown = [_word(word) for word in words[:2]]
    return f"'{' '.join(shown)}{' ...' if len(words) > 2 else ''}'"


def _flat(command: Any) -> Any:
    for word in command:
        if isinstance(word, list | tuple):
            yield from _flat(word)
        else:
            yield word


def _word(word: Any) -> str:
    return bytes2unicode(word, errors="replace") or "" if isinstance(word, bytes) else str(word)
