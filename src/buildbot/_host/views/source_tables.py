"""``master.db``: changes and source stamps."""

from __future__ import annotations

from typing import Any

from buildbot._border.bridge import outgoing
from buildbot._border.times import epoch2datetime
from buildbot._host.views.rows import Model, properties_of
from buildbot._host.views.table import OwnedTableView, TableView
from buildbot.data.resultspec import ListResult
from chargehand.resources.query import Filter, Operator


class ChangesView(TableView):
    """``master.db.changes``."""

    _key = "changeid"

    def _model(self, row: dict[str, Any]) -> Model:
        stamp = row.get("sourcestamp") or {}
        return Model(
            {
                **row,
                "when_timestamp": epoch2datetime(row["when_timestamp"]),
                "sourcestampid": stamp.get("ssid"),
                "properties": properties_of(row["properties"]),
            }
        )

    @outgoing
    async def getChange(self, changeid: int, no_cache: bool = False) -> Model | None:
        """Return a Deferred of a change, or None."""
        return await self._one("changes", changeid)

    @outgoing
    async def getChanges(self, resultSpec: Any = None) -> list[Model]:
        """Return a Deferred of the changes."""
        return await self._selected("changes", {}, resultSpec)

    @outgoing
    async def getChangesForBuild(self, buildid: int) -> list[Model]:
        """Return a Deferred of the changes of a build."""
        return await self._all("builds", buildid, "changes")

    @outgoing
    async def getChangeFromSSid(self, ssid: int) -> Model | None:
        """Return a Deferred of the newest change that made a source stamp, or None."""
        rows = await self._data.fetch(("sourcestamps", ssid, "changes"))
        return self._model(max(rows, key=lambda row: row["changeid"])) if rows else None

    @outgoing
    async def getChangesCount(self) -> int:
        """Return a Deferred of the number of changes."""
        rows: ListResult = await self._data.fetch("changes", limit=1)
        return rows.total

    @outgoing
    async def getChangeUids(self, changeid: int) -> list[int]:
        """Return a Deferred of the users of a change: none, since only names of people are
        recorded."""
        return []

    @outgoing
    async def getParentChangeIds(
        self, branch: str | None, repository: str, project: str, codebase: str
    ) -> list[int]:
        """Return a Deferred of the newest change of these sources, alone in a list; an empty list
        if there is none."""
        wanted = {"branch": branch, "repository": repository}
        wanted |= {"project": project, "codebase": codebase}
        rows = await self._data.fetch(
            "changes",
            filters=[Filter(name, Operator.EQ, (value,)) for name, value in wanted.items()],
            order=["-changeid"],
            limit=1,
        )
        return [int(row["changeid"]) for row in rows]

    @outgoing
    async def getLatestChangeid(self) -> int | None:
        """Return a Deferred of the newest change's identifier, None if there is no change."""
        rows = await self._data.fetch("changes", order=["-changeid"], limit=1)
        return int(rows[0]["changeid"]) if rows else None


class ChangeSourcesView(OwnedTableView):
    """``master.db.changesources``."""

    _key = "changesourceid"

    @outgoing
    async def findChangeSourceId(self, name: str) -> int | None:
        """Return a Deferred of a change source's identifier; None for one that never was."""
        return await self._named("changesources", name)

    @outgoing
    async def getChangeSource(self, changesourceid: int) -> Model | None:
        """Return a Deferred of a change source, or None."""
        return await self._one("changesources", changesourceid)

    @outgoing
    async def getChangeSources(
        self, active: bool | None = None, masterid: int | None = None
    ) -> list[Model]:
        """Return a Deferred of the change sources: those that a master runs, or none does."""
        return await self._owned("changesources", active, masterid)


class SourceStampsView(TableView):
    """``master.db.sourcestamps``."""

    _key = "ssid"

    def _model(self, row: dict[str, Any]) -> Model:
        return Model(row)

    @outgoing
    async def getSourceStamp(self, ssid: int, no_cache: bool = False) -> Model | None:
        """Return a Deferred of a source stamp, or None."""
        return await self._one("sourcestamps", ssid)

    @outgoing
    async def getSourceStamps(self) -> list[Model]:
        """Return a Deferred of all source stamps."""
        return await self._all("sourcestamps")

    @outgoing
    async def getSourceStampsForBuild(self, buildid: int) -> list[Model]:
        """Return a Deferred of the source stamps of a build; none for an unknown build."""
        build = await self._data.fetch(("builds", buildid))
        if build is None:
            return []
        request = await self._data.fetch(("buildrequests", build["buildrequestid"]))
        buildset = await self._data.fetch(("buildsets", request["buildsetid"]))
        return [Model(stamp) for stamp in buildset["sourcestamps"]]
