"""Accepts connections of local workers, and finds the session for each Hello."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from chargehand.links.doors import UnixListener
from chargehand.links.native.agent_places import AgentPlaces
from chargehand.links.native.channel import Channel, Receiver
from chargehand_wire.messages import Hello

Arrived = Callable[[Hello], Receiver | None]
"""Returns the session for a connection, None if there is none."""


class LocalListener:
    """Accepts all connections of this machine's workers, on a socket in the master's directory."""

    def __init__(self, directory: Path) -> None:
        self.places = AgentPlaces(directory)
        self._door = UnixListener(self.places.door, lambda: Channel(self._arrived))
        self._expected: dict[str, Arrived] = {}

    async def open(self) -> None:
        """Start listening, unless it already listens. Raises OSError."""
        await self._door.open()

    async def close(self) -> None:
        """Stop listening."""
        await self._door.close()

    def expect(self, worker_name: str, arrived: Arrived) -> None:
        """Pass each connection with this name to *arrived* from now on."""
        self._expected[worker_name] = arrived

    def forget(self, worker_name: str) -> None:
        """Refuse connections with this name from now on."""
        self._expected.pop(worker_name, None)

    def _arrived(self, hello: Hello) -> Receiver | None:
        arrived = self._expected.get(hello.name)
        return None if arrived is None else arrived(hello)
