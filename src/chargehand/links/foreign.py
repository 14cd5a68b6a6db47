"""Peers that came to the wrong port: what they speak."""

from __future__ import annotations

_BEGINNINGS = {
    **dict.fromkeys(
        (b"GET ", b"HEAD", b"POST", b"PUT ", b"OPTI", b"CONN", b"DELE", b"PRI "), "HTTP"
    ),
    b"\x16\x03": "TLS, which this port does not",
    b"SSH-": "SSH",
}


def foreign_protocol(beginning: bytes) -> str | None:
    """Return what a peer speaks, judged by its first bytes; None if that is not known."""
    for start, protocol in _BEGINNINGS.items():
        if beginning.startswith(start):
            return protocol
    return None
