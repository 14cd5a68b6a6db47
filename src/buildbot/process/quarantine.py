"""The quarantine of a worker, which users' functions and workers can impose for a while."""

from __future__ import annotations

from buildbot.process.access import MasterAccess

INITIAL_SECONDS = 10
LONGEST_SECONDS = 3600


class WorkerQuarantine:
    """Keeps builds off a worker for a while, each time twice as long as before.

    ``quarantine_initial_timeout`` and ``quarantine_max_timeout`` (seconds), on the worker of the
    configuration or its class, say how long the first one lasts, and the longest.
    """

    name: str
    _wanted_quarantine: float | None = None
    """What was set before there was a master."""

    @property
    def quarantine_timeout(self) -> float:
        """How many seconds the next quarantine lasts."""
        access = self._access_if_running()
        known = None if access is None else access.quarantine_seconds(self.name)
        for seconds in (known, self._wanted_quarantine):
            if seconds is not None:
                return seconds
        return self._limit("quarantine_initial_timeout", INITIAL_SECONDS)

    @quarantine_timeout.setter
    def quarantine_timeout(self, seconds: float) -> None:
        if (access := self._access_if_running()) is None:
            self._wanted_quarantine = float(seconds)
        else:
            access.set_quarantine_seconds(self.name, float(seconds))

    def putInQuarantine(self) -> None:
        """Give it no builds for `quarantine_timeout` seconds; the next time twice as long."""
        access, seconds = self._running_master, self.quarantine_timeout
        longest = self._limit("quarantine_max_timeout", LONGEST_SECONDS)
        access.begin_quarantine(self.name, seconds)
        access.set_quarantine_seconds(self.name, min(2 * seconds, longest))

    def resetQuarantine(self) -> None:
        """Let the next quarantine be as short as the first; a running one is not cut short."""
        initial = self._limit("quarantine_initial_timeout", INITIAL_SECONDS)
        self._running_master.set_quarantine_seconds(self.name, initial)

    def exitQuarantine(self) -> None:
        """Let it get builds again."""
        self._running_master.end_quarantine(self.name)

    def stopQuarantineTimer(self) -> None:
        """Let it get builds again, as `exitQuarantine`."""
        self.exitQuarantine()

    def _limit(self, attribute: str, otherwise: float) -> float:
        return float(getattr(self, attribute, otherwise))

    def _access_if_running(self) -> MasterAccess | None:
        """Return the running master, None while there is none."""
        raise NotImplementedError

    @property
    def _running_master(self) -> MasterAccess:
        if (access := self._access_if_running()) is None:
            raise RuntimeError(f"worker {self.name!r}: no master is running")
        return access
