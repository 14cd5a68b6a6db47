"""``master.db``: builds, requests and buildsets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from buildbot._border.bridge import outgoing, outward
from buildbot._border.times import epoch2datetime
from buildbot._host.views.rows import Model, properties_of
from buildbot._host.views.table import TableView
from buildbot.process.results import SUCCESS
from chargehand.resources.query import Filter, Operator

_MOST_BUILDS = 100
"""How many earlier builds are looked at for one of the same sources."""


class BuildsView(TableView):
    """``master.db.builds``."""

    _key = "buildid"

    def getBuild(self, buildid: int) -> Any:
        """Return a Deferred of a build, or None."""
        return outward(self._one("builds", buildid))

    def getBuildByNumber(self, builderid: int, number: int) -> Any:
        """Return a Deferred of a build, or None."""
        return outward(self._one("builders", builderid, "builds", number))

    def getBuilds(
        self,
        builderid: int | None = None,
        buildrequestid: int | None = None,
        workerid: int | None = None,
        complete: bool | None = None,
        resultSpec: Any = None,
    ) -> Any:
        """Return a Deferred of the builds with these values."""
        wanted = {
            "builderid": builderid,
            "buildrequestid": buildrequestid,
            "workerid": workerid,
            "complete": complete,
        }
        return outward(self._selected("builds", wanted, resultSpec))

    def getBuildProperties(self, bid: int, resultSpec: Any = None) -> Any:
        """Return a Deferred of the properties: ``{name: (value, source)}``."""
        return outward(self._properties(bid))

    def getBuildsForChange(self, changeid: int) -> Any:
        """Return a Deferred of the builds of a change."""
        return outward(self._all("changes", changeid, "builds"))

    def get_triggered_builds(self, buildid: int) -> Any:
        """Return a Deferred of the builds that a build has triggered."""
        return outward(self._all("builds", buildid, "triggered_builds"))

    def setBuildProperty(self, bid: int, name: str, value: Any, source: str) -> Any:
        """Record a property of a build; returns a Deferred."""
        return self._data.updates.setBuildProperty(bid, name, value, source)

    def setBuildProperties(self, bid: int, properties: Any) -> Any:
        """Record properties of a build; returns a Deferred."""
        return self._data.updates.setBuildProperties(bid, properties)

    @outgoing
    async def getPrevSuccessfulBuild(
        self, builderid: int, number: int, ssBuild: Sequence[Any]
    ) -> Model | None:
        """Return a Deferred of the newest successful build of a builder before *number* whose
        source stamps are of the same repositories, branches and codebases as *ssBuild*; None if
        there is none among the last hundred."""
        wanted = {_origin(stamp) for stamp in ssBuild}
        rows = await self._data.fetch(
            ("builders", builderid, "builds"),
            filters=[
                Filter("number", Operator.LT, (number,)),
                Filter("results", Operator.EQ, (SUCCESS,)),
            ],
            order=["-number"],
            limit=_MOST_BUILDS,
        )
        for row in rows:
            request = await self._data.fetch(("buildrequests", row["buildrequestid"]))
            buildset = await self._data.fetch(("buildsets", request["buildsetid"]))
            if {_origin(stamp) for stamp in buildset["sourcestamps"]} == wanted:
                return self._model(row)
        return None

    async def _properties(self, buildid: int) -> dict[str, tuple[Any, str]]:
        return properties_of(await self._data.fetch(("builds", buildid, "properties")))


class BuildRequestsView(TableView):
    """``master.db.buildrequests``."""

    _key = "buildrequestid"

    def getBuildRequest(self, brid: int) -> Any:
        """Return a Deferred of a request, or None."""
        return outward(self._request(brid))

    def getBuildRequests(
        self,
        builderid: int | None = None,
        complete: bool | None = None,
        claimed: bool | None = None,
        bsid: int | None = None,
        resultSpec: Any = None,
    ) -> Any:
        """Return a Deferred of the requests with these values."""
        wanted = {
            "builderid": builderid,
            "complete": complete,
            "claimed": claimed,
            "buildsetid": bsid,
        }
        return outward(self._requests(wanted, resultSpec))

    async def _request(self, brid: int) -> Model | None:
        row = await self._data.fetch(("buildrequests", brid))
        if row is None:
            return None
        builder = await self._data.fetch(("builders", row["builderid"]))
        return Model(row, buildername=builder["name"] if builder else None)

    async def _requests(self, wanted: dict[str, Any], resultspec: Any) -> list[Model]:
        names = {row["builderid"]: row["name"] for row in await self._data.fetch(("builders",))}
        rows = await self._data.select("buildrequests", wanted, resultspec)
        return [Model(row, buildername=names.get(row["builderid"])) for row in rows]


class BuildsetsView(TableView):
    """``master.db.buildsets``."""

    _key = "bsid"

    def _model(self, row: dict[str, Any]) -> Model:
        times = {name: epoch2datetime(row[name]) for name in ("submitted_at", "complete_at")}
        stamps = [stamp["ssid"] for stamp in row["sourcestamps"]]
        return Model({**row, **times, "sourcestamps": stamps})

    def getBuildset(self, bsid: int) -> Any:
        """Return a Deferred of a buildset, or None."""
        return outward(self._one("buildsets", bsid))

    def getBuildsetProperties(self, bsid: int) -> Any:
        """Return a Deferred of the properties: ``{name: (value, source)}``."""
        return outward(self._properties(bsid))

    @outgoing
    async def getBuildsets(self, complete: bool | None = None, resultSpec: Any = None) -> Any:
        """Return a Deferred of the buildsets with these values."""
        return await self._selected("buildsets", {"complete": complete}, resultSpec)

    @outgoing
    async def getRecentBuildsets(
        self,
        count: int | None = None,
        branch: str | None = None,
        repository: str | None = None,
        complete: bool | None = None,
    ) -> list[Model]:
        """Return a Deferred of the newest buildsets, oldest first: *count* of them, and of one
        branch, repository or state where that is given."""
        wanted = {"branch": branch, "repository": repository}
        found: list[Model] = []
        filters = [] if complete is None else [Filter("complete", Operator.EQ, (complete,))]
        offset = 0
        while count is None or len(found) < count:
            rows = await self._data.fetch(
                "buildsets", filters=filters, order=["-bsid"], limit=_MOST_BUILDS, offset=offset
            )
            found += [self._model(row) for row in rows if _has_stamp(row["sourcestamps"], wanted)]
            offset += len(rows)
            if len(rows) < _MOST_BUILDS:
                break
        return found[:count][::-1]

    async def _properties(self, bsid: int) -> dict[str, tuple[Any, str]]:
        return properties_of(await self._data.fetch(("buildsets", bsid, "properties")))


def _has_stamp(stamps: Sequence[dict[str, Any]], wanted: dict[str, str | None]) -> bool:
    """Return whether one of the source stamps has all values that are not None."""
    return any(
        all(value in (None, stamp[name]) for name, value in wanted.items()) for stamp in stamps
    )


def _origin(stamp: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(stamp[name] for name in ("codebase", "repository", "branch"))
