"""A worker's session: what builds hold of a worker that is connected."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from chargehand.domain.command import Command, CommandUpdate
from chargehand.domain.worker import WorkerInfo


class WorkerLost(Exception):
    """The connection to the worker ended while a command ran; the build is to be retried."""


class CommandRefused(Exception):
    """The worker does not know the command, or could not begin it; the message says why."""


class Session(Protocol):
    """A connected worker. (Implemented by ``links``.)"""

    @property
    def worker_name(self) -> str:
        """The worker's name."""

    @property
    def info(self) -> WorkerInfo:
        """What the worker said of itself."""

    async def prepare(self, builddirs: Sequence[str]) -> None:
        """Make sure that these directories (below the worker's base) are there."""

    async def run(
        self, command: Command, receive: Callable[[CommandUpdate], Awaitable[None]]
    ) -> None:
        """Run *command*, hand each update to *receive* in order, return when it is complete.

        An update counts as delivered (and is acknowledged to the worker) when *receive* returns.
        Raises WorkerLost, or CommandRefused. Cancelling the call interrupts the command.
        """

    async def interrupt(self, command: Command, reason: str) -> None:
        """Ask the worker to kill the command; `run` returns when it is dead."""
