"""Limits for live connections, for each one and for all together."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Protocol

from chargehand.config.web_limits import WebLimits
from chargehand.resources.announcements import Key
from chargehand.web.shares import Shares

_MAX_SEGMENTS = 16
_MAX_LENGTH = 1024
_SILENT_SECONDS = 2.0
"""Seconds that a connection may take to subscribe, although others wait."""


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


class LiveConnection(Hashable, Protocol):
    """A websocket or an event stream."""

    @property
    def lag(self) -> int:
        """The number of unsent bytes."""

    @property
    def is_listening(self) -> bool:
        """Whether it has subscriptions."""

    @property
    def address(self) -> str:
        """Where it comes from."""

    def drop_as_slow(self) -> None:
        """Drop the connection because too many bytes are unsent."""

    def give_up(self) -> None:
        """Drop the connection."""


class LiveUsage:
    """Counts the resources that all live connections use."""

    def __init__(self, limits: Callable[[], WebLimits]) -> None:
        self._limits = limits
        self._lag = 0
        self._connections: dict[LiveConnection, float] = {}
        """When each was opened; the oldest first."""
        self._subscriptions = 0

    @property
    def limits(self) -> WebLimits:
        """The limits of the active configuration."""
        return self._limits()

    def make_room(self, address: str, now: float) -> bool:
        """Return whether there is room for one more connection from *address*.

        When all are in use one gives way that listens to nothing, or one of an address that has
        more; of these the oldest of the address that has most.
        """
        if len(self._connections) < self._limits().live_connections:
            return True
        silent: Shares[LiveConnection] = Shares()
        everyone: Shares[LiveConnection] = Shares()
        for connection, since in self._connections.items():
            everyone.add(connection, connection.address)
            if not connection.is_listening and now - since >= _SILENT_SECONDS:
                silent.add(connection, connection.address)
        found = silent.oldest_of_largest()
        if found is None and everyone.count(address) + 1 < everyone.count(everyone.largest or ""):
            found = everyone.oldest_of_largest()
        if found is not None:
            self.leave(found)
            found.give_up()
        return found is not None

    def join(self, connection: LiveConnection, now: float) -> None:
        """Count a connection."""
        self._connections[connection] = now

    def leave(self, connection: LiveConnection) -> None:
        """Uncount a connection."""
        self._connections.pop(connection, None)

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
