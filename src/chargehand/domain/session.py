"""A session: a worker as builds hold it, for longer than any of its connections."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from typing import Protocol

from chargehand.domain.command import Command, CommandUpdate
from chargehand.domain.worker import WorkerInfo


class WorkerLost(Exception):
    """The worker will not come back with what it ran; the build is to be retried."""


class CommandRefused(Exception):
    """The worker does not know the command, or could not begin it; the message says why."""


class SessionState(Enum):
    """Where a session is in its life."""

    CONNECTED = "connected"
    INTERRUPTED = "interrupted"
    """The connection is gone, until a deadline: commands go on at the worker, and their output is
    kept there."""
    LOST = "lost"
    """Over: the worker is gone, or did not come back in time. Only this costs a build its
    worker."""


class Receipt(Protocol):
    """Something that is done when an update of a command is safe (a future)."""

    def done(self) -> bool:
        """Whether it is safe, or given up."""

    def add_done_callback(self, callback: Callable[[object], object], /) -> None:
        """Call *callback* soon after it is done."""


Receive = Callable[[CommandUpdate], Receipt | None]
"""Takes an update; returns None when there is nothing to wait for. Never raises."""


class Session(Protocol):
    """A worker that speaks some protocol. (Implemented by ``links``, kept by ``fleet``.)"""

    @property
    def worker_name(self) -> str:
        """The worker's name."""

    @property
    def info(self) -> WorkerInfo:
        """What the worker said of itself."""

    @property
    def state(self) -> SessionState:
        """Where the session is in its life."""

    async def prepare(self, builddirs: Sequence[str]) -> None:
        """Make sure that these directories (below the worker's base) are there."""

    async def run(self, command: Command, receive: Receive) -> None:
        """Run *command*, hand each update to *receive* in order, return when it is complete.

        An update is acknowledged to the worker when it is safe, which *receive* says; nothing else
        waits for that. An interrupted connection is waited out. Raises WorkerLost, or
        CommandRefused. Cancelling the call interrupts the command.
        """

    async def interrupt(self, command: Command, reason: str) -> None:
        """Ask the worker to kill the command; `run` returns when it is dead."""

    async def close(self) -> None:
        """End the session, and the worker's commands with it."""
