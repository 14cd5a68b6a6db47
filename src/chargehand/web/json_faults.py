"""Says what is wrong with JSON that a client sent."""

from __future__ import annotations

import re

_ESCAPES = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(?P<lone>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)


def lone_surrogate(data: bytes) -> str | None:
    """Return a sentence about the first lone surrogate escape; decoders call it "truncated"."""
    for escape in _ESCAPES.finditer(data):
        if lone := escape["lone"]:
            return f"lone surrogate \\{lone.decode()} (byte {escape.start()}) is not valid Unicode"
    return None
