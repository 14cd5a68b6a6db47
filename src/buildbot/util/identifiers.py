"""Names that may be part of an address."""

from __future__ import annotations

import re
from typing import Any

_IDENTIFIER = re.compile(r"[^\W\d][\w-]*\Z")
_INITIAL = re.compile(r"\A[\W\d]")
_OTHER = re.compile(r"[^\w-]")


def isIdentifier(maxLength: int, obj: Any) -> bool:
    """Return whether *obj* is text of letters, digits, ``_`` and ``-``, that no digit begins."""
    return isinstance(obj, str) and 0 < len(obj) <= maxLength and bool(_IDENTIFIER.match(obj))


def forceIdentifier(maxLength: int, s: str) -> str:
    """Return *s* as an identifier: what is not allowed becomes ``_``, what is too long is cut."""
    if not isinstance(s, str):
        raise TypeError(f"{s!r} cannot be coerced to an identifier")
    if isIdentifier(maxLength, s):
        return s
    return _OTHER.sub("_", _INITIAL.sub("_", s))[:maxLength]


def incrementIdentifier(maxLength: int, ident: str) -> str:
    """Return the next name after *ident*: ``x``, ``x_2``, ``x_3`` …"""
    stem, _, number = ident.rpartition("_")
    if not stem or not number.isdigit():
        stem, number = ident, "1"
    suffix = f"_{int(number) + 1}"
    if len(suffix) >= maxLength:
        raise ValueError("cannot generate a larger identifier")
    return stem[: maxLength - len(suffix)] + suffix
