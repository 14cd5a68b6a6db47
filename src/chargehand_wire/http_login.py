"""The ``Authorization`` header of a worker."""

from __future__ import annotations

import base64
import binascii
from typing import Optional

_LONGEST = 4096

SUBPROTOCOL = "chargehand.worker."
"""What the name of each version of the native protocol begins with."""


def basic_pair(header: str) -> Optional[tuple[str, str]]:
    """Return the user and the password of an ``Authorization`` header as they are."""
    kind, _, encoded = header.partition(" ")
    if kind.lower() != "basic" or len(encoded) > _LONGEST:
        return None
    try:
        name, is_pair, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (name, password) if is_pair else None


def is_native(offered: str) -> bool:
    """Return whether ``Sec-WebSocket-Protocol`` offers the protocol of native workers."""
    return any(part.strip().startswith(SUBPROTOCOL) for part in offered.split(","))
