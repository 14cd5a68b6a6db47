"""Limits for live connections, for each one and for all together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from chargehand.config.web_limits import WebLimits
from chargehand.resources.announcements import Key

_MAX_SEGMENTS = 16
_MAX_LENGTH = 1024


class LimitExceeded(Exception):
    """A limit is exceeded; the message names it."""


def checked_pattern(path: str) -> Key:
    """Return the path as a pattern. Raises LimitExceeded."""
    if len(path) > _MAX_LENGTH:
        raise LimitExceeded(f"a path has at most {_MAX_LENGTH} characters")
    pattern = tuple(path.strip("/").split("/"))
    if len(pattern) > _MAX_SEGMENTS:
        raise LimitExceeded(f"a path has at most {_MAX_SEGMENTS} segments")
    return pattern


class LaggingConnection(Protocol):
    """A connection with unsent bytes."""

    @property
    def lag(self) -> int:
        """The number of unsent bytes."""

    def drop_as_slow(self) -> None:
        """Drop the connection because too many bytes are unsent."""


class LiveUsage:
    """Counts the resources that all live connections use."""

    def __init__(self, limits: Callable[[], WebLimits]) -> None:
        self._limits = limits
        self._lag = 0
        self._connections: set[LaggingConnection] = set()
        self._subscriptions = 0

    @property
    def limits(self) -> WebLimits:
        """The limits of the active configuration."""
        return self._limits()

    @property
    def is_full(self) -> bool:
        """Whether the limit of connections is reached."""
        return len(self._connections) >= self._limits().live_connections

    def join(self, connection: LaggingConnection) -> None:
        """Count a connection."""
        self._connections.add(connection)

    def leave(self, connection: LaggingConnection) -> None:
        """Uncount a connection."""
        self._connections.discard(connection)

    def subscribe(self, own: int) -> None:
        """Count one more for a connection that has *own* already. Raises LimitExceeded."""
        limits = self._limits()
        if own >= limits.subscriptions_per_connection:
            raise LimitExceeded(
                f"more than {limits.subscriptions_per_connection} subscriptions of one connection"
            )
        if self._subscriptions >= limits.subscriptions:
            raise LimitExceeded(f"more than {limits.subscriptions} subscriptions in all")
        self._subscriptions += 1

    def unsubscribe(self) -> None:
        """Uncount a subscription."""
        self._subscriptions -= 1

    def lag(self, size: int) -> None:
        """Change the number of unsent bytes; above the limit, drop the slowest connection."""
        self._lag += size
        if size > 0 and self._lag > self._limits().live_bytes:
            max(self._connections, key=lambda connection: connection.lag).drop_as_slow()
