"""For tests of change sources."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from buildbot._border.bridge import outward
from buildbot.changes.base import ReconfigurablePollingChangeSource
from buildbot.test.fake_master import FakeMaster

__all__ = ["ChangeSourceMixin"]


class _ByClock:
    """Polls when the test's clock says so, in the place of the engine's own loop."""

    def __init__(self, source: Any, clock: Any) -> None:
        self._source = source
        self._clock = clock
        self._next: Any = None

    def spawn(self, work: Coroutine[Any, Any, object], *, name: str) -> None:
        """Begin to poll."""
        work.close()
        if self._source.pollInterval:
            self._wait(0 if self._source.pollAtLaunch else self._source.pollInterval)

    async def close(self) -> None:
        """Poll no more."""
        if self._next is not None and self._next.active():
            self._next.cancel()

    def _wait(self, seconds: float) -> None:
        self._next = self._clock.callLater(seconds, self._poll)

    def _poll(self) -> None:
        self._wait(self._source.pollInterval)
        self._source.poll()


class ChangeSourceMixin:
    """For test cases: a master, and the change source that the test attaches to it.

    ``self.master.data.updates.changesAdded`` has the changes; pollers poll when the test calls
    ``poll()`` or moves the clock (``self.reactor``) on.
    """

    changesource: Any = None
    started = False

    def setUpChangeSource(self, *_: Any, **__: Any) -> Any:
        """Make the master; call it in ``setUp``, after ``setup_test_reactor``."""
        self.master = FakeMaster(getattr(self, "reactor", None))
        return outward(_done())

    def tearDownChangeSource(self) -> Any:
        """Stop the change source."""
        return self.stopChangeSource()

    def attachChangeSource(self, cs: Any) -> Any:
        """Let a change source belong to the master; it runs if the master does."""
        self.changesource = cs
        if isinstance(cs, ReconfigurablePollingChangeSource):
            cs.poll_by(_ByClock(cs, self.master.reactor))
        return outward(self._attached(cs))

    def startChangeSource(self) -> Any:
        """Start the change source."""
        self.started = True
        return self.changesource.startService()

    def stopChangeSource(self) -> Any:
        """Stop the change source, if it runs."""
        return outward(self._stopped())

    async def _attached(self, cs: Any) -> Any:
        await cs._set_parent(self.master)
        if not cs.configured:
            await cs._configure()
        return cs

    async def _stopped(self) -> None:
        self.started = False
        if self.changesource is not None and self.changesource.running:
            await self.changesource.stopService()


async def _done() -> None:
    """There is nothing to wait for."""
