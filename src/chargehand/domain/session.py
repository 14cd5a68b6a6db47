"""A session with a worker, which outlives single connections."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Protocol

from chargehand.domain.command import Command, CommandUpdate
from chargehand.domain.worker import WorkerInfo


class WorkerLost(Exception):
    """The worker and its commands are lost; the build must be retried."""


class CommandRefused(Exception):
    """The worker does not know the command, or could not start it; the message says why."""


class WorkerNotStarted(Exception):
    """The machine of a worker could not be started; the message says why."""

    def __init__(self, reason: str, *, is_final: bool = False) -> None:
        super().__init__(reason)
        self.is_final = is_final
        """Whether the build is at fault, so that it must not be retried."""


class SessionState(Enum):
    """The state of a session."""

    CONNECTED = "connected"
    INTERRUPTED = "interrupted"
    """Disconnected, until a deadline: commands keep running on the worker, which buffers their
    output."""
    LOST = "lost"
    """Ended: the worker exited or did not reconnect in time. Only in this state builds lose their
    worker."""


class Receipt(Protocol):
    """A future that is done when a command's update is stored."""

    def done(self) -> bool:
        """Whether it is stored or discarded."""

    def add_done_callback(self, callback: Callable[[object], object], /) -> None:
        """Call *callback* soon after this has ended."""


Receive = Callable[[CommandUpdate], Receipt | None]
"""Processes an update; returns None if there is nothing to wait for. Never raises."""


class Session(Protocol):
    """A session over any protocol. (Implemented by ``links``, kept by ``fleet``.)"""

    @property
    def worker_name(self) -> str:
        """The worker's name."""

    @property
    def info(self) -> WorkerInfo:
        """The information that the worker sent."""

    @property
    def state(self) -> SessionState:
        """The session's state."""

    async def prepare(self, builddirs: Sequence[str]) -> None:
        """Ensure that these directories (below the worker's base) exist."""

    async def run(self, command: Command, receive: Receive) -> None:
        """Run *command*, pass each update to *receive* in order, return when it is complete.

        Acknowledges each update to the worker after the future from *receive* is done, without
        delaying anything else. Waits out interrupted connections. Raises WorkerLost or
        CommandRefused. Cancelling the call interrupts the command.
        """

    async def interrupt(self, command: Command, reason: str) -> None:
        """Ask the worker to kill the command; `run` returns after its end."""

    async def close(self) -> None:
        """End the session, and the worker's commands with it."""


class StartsOnDemand(ABC):
    """What the session of a worker is as well whose machine is started for its builds."""

    @abstractmethod
    async def begin(self, build: object) -> None:
        """Wait until the worker is connected; start its machine for *build* (the user's object, as
        its host knows it) unless it runs. Until then only the name of the session is valid.

        Raises WorkerNotStarted. Cancelling the call gives up waiting.
        """

    @property
    @abstractmethod
    def waits_for(self) -> str:
        """What keeps its machine from being ready, as far as that is known; else empty."""
