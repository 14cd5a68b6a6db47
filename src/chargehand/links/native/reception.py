"""The reception: behind the door, it knows which session a worker that says hello belongs to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from chargehand.links.doors import UnixDoor
from chargehand.links.native.agent_places import AgentPlaces
from chargehand.links.native.channel import Channel, Receiver
from chargehand_wire.messages import Hello

Arrived = Callable[[Hello], Receiver | None]
"""Returns the session that is meant, None when there is none (any more)."""


class Reception:
    """The one door of all workers of this machine, in a directory of the master's."""

    def __init__(self, directory: Path) -> None:
        self.places = AgentPlaces(directory)
        self._door = UnixDoor(self.places.door, lambda: Channel(self._arrived))
        self._expected: dict[str, Arrived] = {}

    async def open(self) -> None:
        """Open the door, unless it is open already. Raises OSError."""
        await self._door.open()

    async def close(self) -> None:
        """Close the door."""
        await self._door.close()

    def expect(self, worker_name: str, arrived: Arrived) -> None:
        """Ask *arrived* about each connection under this name, from now on."""
        self._expected[worker_name] = arrived

    def forget(self, worker_name: str) -> None:
        """Let in nobody of this name any more."""
        self._expected.pop(worker_name, None)

    def _arrived(self, hello: Hello) -> Receiver | None:
        arrived = self._expected.get(hello.name)
        return None if arrived is None else arrived(hello)
