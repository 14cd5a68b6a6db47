"""How much of a connection's first request has arrived."""

from __future__ import annotations

import re
from enum import Enum

MOST_BYTES = 16 * 1024
"""Bytes of a first request that are read before the server takes the connection."""

_LENGTH = re.compile(rb"\ncontent-length:[ \t]*(\d{1,18})[ \t]*\r?\n", re.IGNORECASE)
_CHUNKED = re.compile(rb"\n(?:transfer-encoding|expect):", re.IGNORECASE)


class Progress(Enum):
    """What has arrived."""

    HEAD = "head"
    """Nothing, or a part of the request's head."""
    BODY = "body"
    """The head, or a long part of it; the client has more to send."""
    WHOLE = "whole"
    """Everything that an answer needs."""


def progress_of(received: bytes | bytearray) -> Progress:
    """Return how much of a request these bytes are; what is no HTTP can be refused at once."""
    if received and not (received[:1].isalpha() or received[:1] in b"\r\n"):
        return Progress.WHOLE
    if not (end := _end_of_head(received)):
        return Progress.HEAD if len(received) < MOST_BYTES else Progress.BODY
    head = bytes(received[:end])
    if _CHUNKED.search(head):
        return Progress.BODY
    length = _LENGTH.search(head)
    if length is not None and len(received) - end < int(length[1]):
        return Progress.BODY
    return Progress.WHOLE


def _end_of_head(received: bytes | bytearray) -> int:
    for blank in (b"\r\n\r\n", b"\n\n"):
        if (at := received.find(blank)) > 0:
            return at + len(blank)
    return 0
