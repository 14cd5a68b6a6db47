"""Change sources as the service runs them, whatever their kind."""

from __future__ import annotations

from typing import Protocol

from chargehand.config import model
from chargehand.domain.source_health import SourceHealth, SourceState
from chargehand.intake.polling import PollingLoop, Report
from chargehand.kit.tasks import Tasks


class Source(Protocol):
    """A change source."""

    async def start(self) -> None:
        """Begin to look, or to listen."""

    async def stop(self) -> None:
        """Stop, and wait until everything has ended."""

    def force(self) -> bool:
        """Look at once; False when that is not in its nature."""

    async def prepared(self) -> None:
        """Wait until it misses nothing that happens from now on."""


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

    async def prepared(self) -> None:
        """Wait until it knows what there is already, or has failed to find out."""
        await self._loop.is_prepared.wait()


class Hosted:
    """A source whose behaviour is a class of the user's."""

    def __init__(self, runtime: model.Hosted, report: Report) -> None:
        self._runtime = runtime
        self._report = report

    async def start(self) -> None:
        """Start it. One that polls reports how it fares itself."""
        report_to = getattr(self._runtime, "report_to", None)
        polls = report_to is not None and report_to(self._report)
        await self._runtime.start()
        if not polls:
            await self._report(SourceHealth(state=SourceState.OK))

    async def stop(self) -> None:
        """Stop it."""
        await self._runtime.stop()

    def force(self) -> bool:
        """Let it look at once, if it is one that polls."""
        force = getattr(self._runtime, "force", None)
        return bool(force()) if force is not None else False

    async def prepared(self) -> None:
        """It is, once it has started."""


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

    async def prepared(self) -> None:
        """There is nothing to prepare."""
