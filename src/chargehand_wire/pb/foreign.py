"""Peers that came to the wrong port: what they speak, and what they can be answered."""

from __future__ import annotations

_BEGINNINGS = {
    **dict.fromkeys(
        (b"GET ", b"HEAD", b"POST", b"PUT ", b"OPTI", b"CONN", b"DELE", b"PRI "), "HTTP"
    ),
    b"\x16\x03": "TLS, which this port does not",
    b"SSH-": "SSH",
}
_ANSWER = b"""\
 This port is for workers that speak Perspective Broker, as buildbot-worker does by default. Those \
created with --protocol=msgpack_experimental_v7 connect to the port of c['protocols'] with this \
name; chargehand-worker and browsers connect to the port of c['www'].\r
"""
"""What follows the offer of dialects, which is sent first; clients show it as an invalid answer."""


def foreign_protocol(beginning: bytes) -> tuple[str, bytes] | None:
    """Return what a peer speaks, and an answer, if it began with something else than PB."""
    for start, protocol in _BEGINNINGS.items():
        if beginning.startswith(start):
            return protocol, _ANSWER if protocol == "HTTP" else b""
    return None
