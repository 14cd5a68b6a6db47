"""Until when a certificate is valid: a peer that refuses one does not always say so."""

from __future__ import annotations

import binascii
import re
from datetime import datetime
from typing import Optional

_PEM = re.compile(b"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", re.DOTALL)
_SEQUENCE, _VERSION = 0x30, 0xA0
_SHORT_YEAR, _LONG_YEAR = 0x17, 0x18


def out_of_date(pem: bytes, now: datetime) -> Optional[str]:
    """Return what is wrong with the first certificate of a PEM file at a time: "expired on …".

    None if it is valid then, and if it cannot be read, which others tell.
    """
    try:
        begins, ends = _validity(pem)
    except (ValueError, IndexError, binascii.Error):
        return None
    if now > ends:
        return f"expired on {ends:%Y-%m-%d %H:%M} UTC"
    if now < begins:
        return f"is not valid before {begins:%Y-%m-%d %H:%M} UTC"
    return None


def _validity(pem: bytes) -> tuple[datetime, datetime]:
    """Return the two times; they follow on version, number, algorithm and issuer (RFC 5280)."""
    found = _PEM.search(pem)
    if found is None:
        raise ValueError("no certificate")
    certificate = binascii.a2b_base64(found[1])
    _, start, _ = _element(certificate, 0)
    _, position, _ = _element(certificate, start)
    kind, _, after = _element(certificate, position)
    if kind == _VERSION:
        _, _, after = _element(certificate, after)
    for _ in range(2):
        _, _, after = _element(certificate, after)
    kind, position, _ = _element(certificate, after)
    if kind != _SEQUENCE:
        raise ValueError("no validity")
    begins, position = _time(certificate, position)
    ends, _ = _time(certificate, position)
    return begins, ends


def _element(data: bytes, position: int) -> tuple[int, int, int]:
    """Return an element's kind, where its content begins, and where the next element does."""
    kind, length, position = data[position], data[position + 1], position + 2
    if length & 0x80:
        size = length & 0x7F
        length = int.from_bytes(data[position : position + size], "big")
        position += size
    if position + length > len(data):
        raise ValueError("the certificate is cut off")
    return kind, position, position + length


def _time(data: bytes, position: int) -> tuple[datetime, int]:
    kind, start, after = _element(data, position)
    if kind not in (_SHORT_YEAR, _LONG_YEAR):
        raise ValueError("no time")
    text = data[start:after].decode("ascii", "replace").replace("Z", "+0000")
    if kind == _SHORT_YEAR:
        text = ("19" if text >= "50" else "20") + text
    return datetime.strptime(text, "%Y%m%d%H%M%S%z"), after
