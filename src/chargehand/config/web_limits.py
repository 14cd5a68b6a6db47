"""What visitors may take of the master: connections, time, bytes, rows and subscriptions."""

from __future__ import annotations

from dataclasses import dataclass

_MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class WebLimits:
    """``c['www']['limits']``: the fields are the keys."""

    connections: int = 500
    """How many at once; never more than half of the file descriptors that the process may have."""
    live_connections: int = 250
    """How many of them may be websockets and event streams."""
    head_seconds: float = 10.0
    """How long a new connection may take to send a request's head."""
    idle_seconds: float = 75.0
    """How long a connection may wait for its next request."""
    body_seconds: float = 60.0
    """How long a request's body may take."""
    stall_seconds: float = 60.0
    """How long a client may read nothing of what is sent to it."""
    body_bytes: int = 16 * _MEBIBYTE
    """How large the body of one request may be."""
    bodies_bytes: int = 64 * _MEBIBYTE
    """How much of large bodies may be in memory at once."""
    rows: int = 1_000_000
    """How many rows one answer may have."""
    large_answers: int = 16
    """How many answers of more than 2 MiB may be under way."""
    subscriptions_per_connection: int = 2_000
    subscriptions: int = 20_000
    """How many patterns of live events, in all."""
    live_bytes_per_connection: int = 16 * _MEBIBYTE
    """How far a live connection may lag behind."""
    live_bytes: int = 64 * _MEBIBYTE
    """How far all may lag behind together."""
