"""How much of a connection's first request has arrived."""

from __future__ import annotations

import re
from enum import Enum
from functools import lru_cache
from zlib import crc32

MOST_BYTES = 16 * 1024
"""Bytes of a first request that are read before the server takes the connection."""

KINDS = 64
"""How many kinds of requests are told apart: few, so that none is without many others for long."""
_MOST_OF_LINE = 1024
_NUMBERS = re.compile(r"\d+")
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


@lru_cache(maxsize=500)
def kind_of(method: str, path: str) -> int:
    """Return a number that requests have in common which ask for the same kind of thing."""
    return crc32(_NUMBERS.sub("", f"{method} {path}").encode("utf-8", "replace")) % KINDS


def kind_of_head(received: bytes | bytearray) -> int:
    """Return the same for what has arrived of a request."""
    method, _, rest = bytes(received[:_MOST_OF_LINE]).lstrip().partition(b" ")
    path = rest.partition(b" ")[0].partition(b"?")[0]
    return kind_of(method.decode("latin-1"), path.decode("latin-1"))


def _end_of_head(received: bytes | bytearray) -> int:
    for blank in (b"\r\n\r\n", b"\n\n"):
        if (at := received.find(blank)) > 0:
            return at + len(blank)
    return 0
