"""Change sources as the service runs them, whatever their kind."""

from __future__ import annotations

from typing import Protocol

from chargehand.config import model
from chargehand.intake.polling import PollingLoop
from chargehand.kit.tasks import Tasks


class Source(Protocol):
    """A change source."""

    async def start(self) -> None:
        """Begin to look, or to listen."""

    async def stop(self) -> None:
        """Stop, and wait until everything has ended."""

    def force(self) -> bool:
        """Look at once; False when that is not in its nature."""


class Polled:
    """A source of ours that looks again and again."""

    def __init__(self, loop: PollingLoop) -> None:
        self._loop = loop
        self._tasks = Tasks("change source")

    async def start(self) -> None:
        """Begin to poll."""
        self._tasks.spawn(self._loop.run(), name=self._loop.name)

    async def stop(self) -> None:
        """End a poll that runs, and poll no more."""
        await self._tasks.close()

    def force(self) -> bool:
        """Poll at once."""
        self._loop.force()
        return True


class Hosted:
    """A source whose behaviour is a class of the user's."""

    def __init__(self, runtime: model.Hosted) -> None:
        self._runtime = runtime

    async def start(self) -> None:
        """Start it."""
        await self._runtime.start()

    async def stop(self) -> None:
        """Stop it."""
        await self._runtime.stop()

    def force(self) -> bool:
        """Let it look at once, if it is one that polls."""
        force = getattr(self._runtime, "force", None)
        return bool(force()) if force is not None else False


class Unsupported:
    """A source of a kind that is accepted and not supported yet: the reader of the configuration
    has said so, and it does nothing."""

    async def start(self) -> None:
        """There is nothing to start."""

    async def stop(self) -> None:
        """There is nothing to stop."""

    def force(self) -> bool:
        """There is nothing to look at."""
        return False
