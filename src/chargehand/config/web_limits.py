"""Limits for web clients: connections, time, bytes, rows and subscriptions."""

from __future__ import annotations

import msgspec

_MEBIBYTE = 1024 * 1024


class WebLimits(msgspec.Struct, frozen=True, kw_only=True):
    """``c['www']['limits']``: the fields are the keys."""

    connections: int = 500
    """Maximum number of connections in use; at most 3/8 of the process's file descriptors."""
    pending_connections: int = 8_192
    """Maximum number of connections that have sent no complete request yet."""
    live_connections: int = 250
    """How many of them may be websockets and event streams."""
    head_seconds: float = 10.0
    """Seconds that a new connection may take to send a request's headers."""
    idle_seconds: float = 75.0
    """Seconds that a connection may be idle between requests."""
    body_seconds: float = 60.0
    """Seconds that sending a request's body may take."""
    stall_seconds: float = 60.0
    """Seconds without progress while sending to a client."""
    body_bytes: int = 16 * _MEBIBYTE
    """Maximum size of one request's body."""
    bodies_bytes: int = 64 * _MEBIBYTE
    """Maximum total size of large bodies in memory."""
    rows: int = 1_000_000
    """Maximum number of rows in one answer."""
    large_answers: int = 16
    """Maximum number of concurrent answers of more than 2 MiB."""
    search_seconds: float = 5.0
    """Seconds after which a search in a log gives up, and answers with what it found."""
    searches: int = 8
    """Maximum number of concurrent searches in logs."""
    searches_per_client: int = 3
    subscriptions_per_connection: int = 2_000
    subscriptions: int = 20_000
    """Maximum number of live-event patterns, in total."""
    live_bytes_per_connection: int = 16 * _MEBIBYTE
    """Maximum unsent bytes of one live connection."""
    live_bytes: int = 64 * _MEBIBYTE
    """Maximum unsent bytes of all live connections together."""
    requests_per_user: int = 100
    """Maximum number of concurrent requests of somebody who has logged in."""
    live_connections_per_user: int = 125
    """Maximum number of one user's websockets and event streams."""
    seconds_per_client: float = 50.0
    """Seconds of a minute in which one client's requests may be worked on, one or several."""
    rows_per_client: int = 5_000_000
    """Maximum number of rows that are read within a minute for a user, or an address without a
    login."""
    large_answers_per_client: int = 8
    """Maximum number of concurrent large answers to one client."""
    body_bytes_per_client: int = 32 * _MEBIBYTE
    """Maximum total size of one client's large bodies in memory."""
    history_bytes: int = 16 * _MEBIBYTE
    """Maximum size of the events kept for clients that resume."""
    history_seconds: float = 300.0
    """Seconds for which they are kept."""
