"""Workers as status receivers of Buildbot 0.8 see them."""

from __future__ import annotations

from typing import Any

from buildbot.reporters.status_objects import BuildStatus, StatusObject
from buildbot.reporters.status_reading import Row, moment


class WorkerStatus(StatusObject):
    """A worker of the configuration."""

    def __init__(self, name: str, status: Any) -> None:
        super().__init__(status)
        self.name = name

    def getName(self) -> str:
        """Return the name."""
        return self.name

    def getAdmin(self) -> str | None:
        """Return whom its owner has named."""
        found: str | None = self._info.get("admin")
        return found

    def getHost(self) -> str | None:
        """Return what its owner says of its host."""
        found: str | None = self._info.get("host")
        return found

    def getVersion(self) -> str | None:
        """Return the version of its program."""
        found: str | None = self._info.get("version")
        return found

    def getAccessURI(self) -> str | None:
        """Return how to reach it."""
        found: str | None = self._info.get("access_uri")
        return found

    def getInfo(self, key: str, default: Any = None) -> Any:
        """Return what it says of itself."""
        return self._info.get(key, default)

    def isConnected(self) -> bool:
        """Return whether it is connected."""
        return bool(self._row.get("connected_to"))

    def isPaused(self) -> bool:
        """Return whether it gets no builds."""
        return bool(self._row.get("paused"))

    def getGraceful(self) -> bool:
        """Return whether it shuts down once its builds have finished."""
        return bool(self._row.get("graceful"))

    def lastMessageReceived(self) -> float | None:
        """Return when it last was heard of, in seconds since 1970."""
        return moment(self._row.get("last_active"))

    def getRunningBuilds(self) -> list[BuildStatus]:
        """Return the builds that run on it."""
        if "workerid" not in self._row:
            return []
        rows = self.reading.rows(f"workers/{self._row['workerid']}/builds", complete=False)
        return [BuildStatus(row, self.status) for row in rows]

    @property
    def _row(self) -> Row:
        return next(iter(self.reading.rows("workers", name=self.name)), {})

    @property
    def _info(self) -> Row:
        return self._row.get("workerinfo") or {}
