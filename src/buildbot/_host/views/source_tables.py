"""``master.db``: changes and source stamps."""

from __future__ import annotations

from typing import Any

from buildbot._border.bridge import outgoing
from buildbot._border.times import epoch2datetime
from buildbot._host.views.data import DataView
from buildbot._host.views.rows import Model, properties_of
from buildbot.data.resultspec import ListResult
from chargehand.resources.query import Filter, Operator


class ChangesView:
    """``master.db.changes``."""

    def __init__(self, data: DataView) -> None:
        self._data = data

    @outgoing
    async def getChange(self, changeid: int, no_cache: bool = False) -> Model | None:
        """Return a Deferred of a change, or None."""
        row = await self._data.fetch(("changes", changeid))
        return None if row is None else _change(row)

    @outgoing
    async def getChanges(self, resultSpec: Any = None) -> list[Model]:
        """Return a Deferred of the changes."""
        return [_change(row) for row in await self._data.select("changes", {}, resultSpec)]

    @outgoing
    async def getChangesForBuild(self, buildid: int) -> list[Model]:
        """Return a Deferred of the changes of a build."""
        rows = await self._data.fetch(("builds", buildid, "changes"))
        return [_change(row) for row in rows]

    @outgoing
    async def getChangeFromSSid(self, ssid: int) -> Model | None:
        """Return a Deferred of the newest change that made a source stamp, or None."""
        rows = await self._data.fetch(("sourcestamps", ssid, "changes"))
        return _change(max(rows, key=lambda row: row["changeid"])) if rows else None

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


class ChangeSourcesView:
    """``master.db.changesources``."""

    def __init__(self, data: DataView) -> None:
        self._data = data

    @outgoing
    async def findChangeSourceId(self, name: str) -> int | None:
        """Return a Deferred of a change source's identifier; None for one that never was."""
        rows = await self._data.select("changesources", {"name": name})
        return int(rows[0]["changesourceid"]) if rows else None

    @outgoing
    async def getChangeSource(self, changesourceid: int) -> Model | None:
        """Return a Deferred of a change source, or None."""
        row = await self._data.fetch(("changesources", changesourceid))
        return None if row is None else _change_source(row)

    @outgoing
    async def getChangeSources(
        self, active: bool | None = None, masterid: int | None = None
    ) -> list[Model]:
        """Return a Deferred of the change sources: those that a master runs, or none does."""
        rows = [_change_source(row) for row in await self._data.fetch(("changesources",))]
        return [
            row
            for row in rows
            if active in (None, row["masterid"] is not None) and masterid in (None, row["masterid"])
        ]


class SourceStampsView:
    """``master.db.sourcestamps``."""

    def __init__(self, data: DataView) -> None:
        self._data = data

    @outgoing
    async def getSourceStamp(self, ssid: int, no_cache: bool = False) -> Model | None:
        """Return a Deferred of a source stamp, or None."""
        row = await self._data.fetch(("sourcestamps", ssid))
        return None if row is None else Model(row)

    @outgoing
    async def getSourceStamps(self) -> list[Model]:
        """Return a Deferred of all source stamps."""
        return [Model(row) for row in await self._data.fetch(("sourcestamps",))]

    @outgoing
    async def getSourceStampsForBuild(self, buildid: int) -> list[Model]:
        """Return a Deferred of the source stamps of a build; none for an unknown build."""
        build = await self._data.fetch(("builds", buildid))
        if build is None:
            return []
        request = await self._data.fetch(("buildrequests", build["buildrequestid"]))
        buildset = await self._data.fetch(("buildsets", request["buildsetid"]))
        return [Model(stamp) for stamp in buildset["sourcestamps"]]


def _change_source(row: dict[str, Any]) -> Model:
    master = row.get("master")
    return Model(
        id=row["changesourceid"],
        name=row["name"],
        masterid=None if master is None else master["masterid"],
    )


def _change(row: dict[str, Any]) -> Model:
    stamp = row.get("sourcestamp") or {}
    return Model(
        {
            **row,
            "when_timestamp": epoch2datetime(row["when_timestamp"]),
            "sourcestampid": stamp.get("ssid"),
            "properties": properties_of(row["properties"]),
        }
    )
