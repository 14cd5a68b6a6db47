"""Buildsets and requests as status receivers of Buildbot 0.8 see them."""

from __future__ import annotations

from typing import Any

from buildbot._border.bridge import settled
from buildbot.process.properties import Properties
from buildbot.reporters.status_objects import BuildStatus, StatusObject
from buildbot.reporters.status_reading import Row, moment
from buildbot.reporters.status_sources import SourceStampStatus
from buildbot.reporters.utils import getURLForBuildrequest


class BuildRequestStatus(StatusObject):
    """A build that was asked for."""

    def __init__(self, row: Row, status: Any) -> None:
        super().__init__(status)
        self._row = row
        self.brid = row["buildrequestid"]
        self.bsid = row["buildsetid"]
        self.buildername: str = status.builder_of(row["builderid"]).name

    @property
    def _stamps(self) -> list[SourceStampStatus]:
        found: list[SourceStampStatus] = self.status.stamps_of(self.bsid)
        return found

    def getBuilderName(self) -> str:
        """Return the name of its builder."""
        return self.buildername

    def getSourceStamp(self) -> Any:
        """Return a Deferred of what to build, of the first codebase."""
        return settled(next(iter(self._stamps), None))

    def getSourceStamps(self) -> Any:
        """Return a Deferred of what to build, by codebase."""
        return settled({stamp.codebase: stamp for stamp in self._stamps})

    def getBuildProperties(self) -> Any:
        """Return a Deferred of its properties."""
        return settled(Properties.fromDict(self.reading.properties(f"buildsets/{self.bsid}")))

    def getSubmitTime(self) -> Any:
        """Return a Deferred: when it was submitted, in seconds since 1970."""
        return settled(moment(self._row["submitted_at"]))

    def getBuilds(self) -> Any:
        """Return a Deferred of the builds that were made for it."""
        rows = self.reading.rows("builds", order="buildid", buildrequestid=self.brid)
        return settled([BuildStatus(row, self.status) for row in rows])

    def getURL(self) -> str:
        """Return the address of its page."""
        return str(getURLForBuildrequest(self.status.master, self.brid))


class BuildSetStatus(StatusObject):
    """A buildset: builds that were asked for together."""

    def __init__(self, row: Row, status: Any) -> None:
        super().__init__(status)
        self._row = row
        self.id = self.bsid = row["bsid"]

    def getID(self) -> str | None:
        """Return the name that others know it by."""
        found: str | None = self._row["external_idstring"]
        return found

    def getReason(self) -> str:
        """Return why it was made."""
        return str(self._row["reason"])

    def getSourceStamp(self) -> SourceStampStatus | None:
        """Return what to build, of the first codebase."""
        return next(iter(self.status.stamps_of(self.bsid)), None)

    def getResults(self) -> int | None:
        """Return its result, None until all builds have finished."""
        found: int | None = self._current["results"]
        return found

    def isFinished(self) -> bool:
        """Return whether all its builds have finished."""
        return bool(self._current["complete"])

    def waitUntilFinished(self) -> Any:
        """Return a Deferred of this buildset, which fires when all its builds have finished."""
        return self._ended(("buildsets", str(self.bsid), "complete"), self.isFinished)

    def getBuilderNamesAndBuildRequests(self) -> Any:
        """Return a Deferred of its requests, by their builders' names."""
        return settled({one.buildername: one for one in self._requests})

    def getBuilderNames(self) -> Any:
        """Return a Deferred of the names of its builders."""
        return settled([one.buildername for one in self._requests])

    @property
    def _requests(self) -> list[BuildRequestStatus]:
        rows = self.reading.rows("buildrequests", order="buildrequestid", buildsetid=self.bsid)
        return [BuildRequestStatus(row, self.status) for row in rows]

    @property
    def _current(self) -> Row:
        return self.reading.row(f"buildsets/{self.bsid}")
