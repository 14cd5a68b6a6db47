"""Change sources of all kinds, with one interface for the service."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from chargehand.config import model
from chargehand.domain.source_health import SourceHealth, SourceState
from chargehand.intake.polling import PollingLoop, Report, Schedule, no_warnings
from chargehand.kit.tasks import Tasks


class Source(Protocol):
    """A change source."""

    async def start(self) -> None:
        """Begin to poll or listen."""

    async def stop(self) -> None:
        """Stop, and wait for the end of all activity."""

    def force(self) -> bool:
        """Poll now; False if it is not a poller."""

    async def prepared(self) -> None:
        """Wait until it will miss no change from now on."""


class Polled:
    """A polling source of ours."""

    def __init__(self, loop: PollingLoop) -> None:
        self._loop = loop
        self._tasks = Tasks("change source")

    async def start(self) -> None:
        """Begin to poll."""
        self._tasks.spawn(self._loop.run(), name=self._loop.name)

    async def stop(self) -> None:
        """Cancel a running poll, and stop polling."""
        await self._tasks.close()

    def force(self) -> bool:
        """Poll now."""
        self._loop.force()
        return True

    async def prepared(self) -> None:
        """Wait until it knows the existing commits, or has failed to list them."""
        await self._loop.is_prepared.wait()


class Poller(Protocol):
    """Looks for changes in a repository."""

    async def poll(self) -> None:
        """Look once. Raises PollFailed."""

    async def remember(self) -> bool:
        """Before the very first poll, note what there is; return whether it was the first."""


def polled(
    name: str,
    poller: Poller,
    schedule: Schedule,
    report: Report,
    warnings: Callable[[], Sequence[str]] = no_warnings,
) -> Source:
    """Return a source that calls *poller* by a schedule, and reports how it fares."""
    return Polled(
        PollingLoop(
            name=name,
            poll=poller.poll,
            schedule=schedule,
            prepare=poller.remember,
            warnings=warnings,
            report=report,
        )
    )


class Hosted:
    """A source implemented by a user's class."""

    def __init__(self, runtime: model.Hosted, report: Report) -> None:
        self._runtime = runtime
        self._report = report

    async def start(self) -> None:
        """Start it. Pollers report their state themselves."""
        report_to = getattr(self._runtime, "report_to", None)
        polls = report_to is not None and report_to(self._report)
        await self._runtime.start()
        if not polls:
            await self._report(SourceHealth(state=SourceState.OK))

    async def stop(self) -> None:
        """Stop it."""
        await self._runtime.stop()

    def force(self) -> bool:
        """Make it poll now, if it is a poller."""
        force = getattr(self._runtime, "force", None)
        return bool(force()) if force is not None else False

    async def prepared(self) -> None:
        """Return immediately: it is prepared once it has started."""


class Unsupported:
    """A source of a kind that is accepted but not supported yet; does nothing.

    Reading the configuration has warned about it.
    """

    async def start(self) -> None:
        """Do nothing."""

    async def stop(self) -> None:
        """Do nothing."""

    def force(self) -> bool:
        """Return False: it does not poll."""
        return False

    async def prepared(self) -> None:
        """Do nothing."""
