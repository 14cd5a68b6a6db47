"""Passwords that are stored as hashes: who reads the configuration does not know them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re

_LOG_COST, _BLOCK, _PARALLEL = 12, 8, 1
"""About 10 ms of a processor, and 4 MiB, for each login."""
_MOST_MEMORY = 64 * 1024 * 1024
_SALT = 16
_FORM = re.compile(
    r"\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d)\$([A-Za-z0-9+/]{1,88})\$([A-Za-z0-9+/]{8,128})"
)


def hashed(password: str) -> str:
    """Return what to store instead of a password."""
    salt = os.urandom(_SALT)
    found = _scrypt(password, salt, _LOG_COST, _BLOCK, _PARALLEL)
    cost = f"ln={_LOG_COST},r={_BLOCK},p={_PARALLEL}"
    return f"$scrypt${cost}${_base64(salt)}${_base64(found)}"


def is_hashed(stored: str) -> bool:
    """Return whether a password is stored as a hash."""
    return _FORM.fullmatch(stored) is not None


def matches(stored: str, given: str) -> bool:
    """Return whether a password is the one that is stored; in constant time.

    For a hash it takes some milliseconds: call it in a thread.
    """
    found = _FORM.fullmatch(stored)
    if found is None:
        return hmac.compare_digest(stored.encode(), given.encode())
    try:
        cost, block, parallel = (int(number) for number in found.groups()[:3])
        salt, expected = (_bytes(text) for text in found.groups()[3:])
        return hmac.compare_digest(_scrypt(given, salt, cost, block, parallel), expected)
    except (TypeError, ValueError, MemoryError):  # Not of ours: it costs too much, or is cut off.
        return False


def _scrypt(password: str, salt: bytes, cost: int, block: int, parallel: int) -> bytes:
    return hashlib.scrypt(
        password.encode(), salt=salt, n=1 << cost, r=block, p=parallel, maxmem=_MOST_MEMORY
    )


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4))
