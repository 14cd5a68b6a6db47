"""What the session of a stock worker needs of its connection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from chargehand.domain.session import Receipt


class Receiver(Protocol):
    """Takes what a worker sends while it runs a command."""

    def update(self, key: str, value: object) -> None:
        """Take output, or a value."""

    def write(self, data: bytes) -> Receipt | None:
        """Take a piece of a file; the worker goes on when it is stored."""

    def times(self, accessed: float, modified: float) -> None:
        """Take the times of the file."""

    async def read(self, length: int) -> bytes:
        """Return the next bytes of a file, none at its end."""

    def complete(self, error: str | None) -> bool:
        """Note that the command has ended, or could not be started; return False if its exit
        status may still be under way."""


class Wire(Protocol):
    """One connection with a worker."""

    async def prepare(self, builddirs: Sequence[str]) -> None:
        """Ensure that these directories exist. Raises CommandRefused."""

    async def set_builders(self, directories: Mapping[str, str], *, may_forget: bool) -> None:
        """Let the worker have these builders, with their directories; and, if it *may_forget*,
        no others. Raises CommandRefused."""

    async def start(
        self,
        command_id: str,
        name: str,
        arguments: dict[str, Any],
        builddir: str,
        receiver: Receiver,
    ) -> None:
        """Start a command. Raises CommandRefused if it cannot be sent."""

    def interrupt(self, command_id: str, reason: str) -> None:
        """Ask the worker to kill a command."""

    async def ping(self, message: str) -> None:
        """Wait until the worker answers."""

    async def shut_down(self) -> None:
        """Have the worker's process exit."""

    def close(self) -> None:
        """Close the connection."""

    def hold(self, *, is_held: bool) -> None:
        """Receive no more for the moment, or go on: what came is not stored yet."""
