"""``master.db``: what users' code reads of the database, under Buildbot's names."""

from __future__ import annotations

from typing import Any, NoReturn

from buildbot._border.bridge import outgoing, outward
from buildbot._host.views.build_tables import BuildRequestsView, BuildsetsView, BuildsView
from buildbot._host.views.data import DataView
from buildbot._host.views.engine_access import EngineAccess
from buildbot._host.views.farm_tables import (
    BuildersView,
    MastersView,
    ProjectsView,
    SchedulersView,
    WorkersView,
)
from buildbot._host.views.rows import Model
from buildbot._host.views.source_tables import ChangeSourcesView, ChangesView, SourceStampsView
from buildbot._host.views.state import StateView
from buildbot._host.views.table import TableView
from buildbot.db.connector import DBConnector

_USERS = "people are the texts that changes and orders name; there is no table of them"


class DatabaseView(DBConnector):
    """``master.db``: some of it, read-only but for ``state`` and tables of plug-ins' own;
    `master.data` has everything."""

    def __init__(self, access: EngineAccess, data: DataView) -> None:
        super().__init__(lambda: access.engine.plugin_database)
        self._access = access
        self.state = StateView(access)
        self.builds = BuildsView(data)
        self.buildrequests = BuildRequestsView(data)
        self.buildsets = BuildsetsView(data)
        self.changes = ChangesView(data)
        self.sourcestamps = SourceStampsView(data)
        self.builders = BuildersView(data)
        self.workers = WorkersView(data)
        self.schedulers = SchedulersView(data)
        self.masters = MastersView(data)
        self.changesources = ChangeSourcesView(data)
        self.projects = ProjectsView(data)
        self.steps = StepsView(data)
        self.logs = LogsView(access, data)
        self.build_data = BuildDataView(access, data)

    @property
    def master(self) -> Any:
        """The master."""
        return self._access.master

    def __getattr__(self, name: str) -> NoReturn:
        why = _USERS if name == "users" else "use master.data.get(...) to read"
        raise AttributeError(
            f"master.db.{name} is not supported: {why}; "
            "docs/migrating-from-buildbot.md lists what there is"
        )


class StepsView(TableView):
    """``master.db.steps``."""

    _key = "stepid"

    @outgoing
    async def getStep(
        self,
        stepid: int | None = None,
        buildid: int | None = None,
        number: int | None = None,
        name: str | None = None,
    ) -> Model | None:
        """Return a Deferred of a step, by its identifier, or by build and number or name."""
        path: tuple[Any, ...] = ("steps", stepid)
        if stepid is None:
            path = ("builds", buildid, "steps", name if number is None else number)
        return await self._one(*path)

    @outgoing
    async def getSteps(self, buildid: int) -> list[Model]:
        """Return a Deferred of the steps of a build, in their order."""
        return await self._all("builds", buildid, "steps")


class LogsView(TableView):
    """``master.db.logs``."""

    _key = "logid"

    def __init__(self, access: EngineAccess, data: DataView) -> None:
        super().__init__(data)
        self._access = access

    @outgoing
    async def getLog(self, logid: int) -> Model | None:
        """Return a Deferred of a log, or None."""
        return await self._one("logs", logid)

    @outgoing
    async def getLogBySlug(self, stepid: int, slug: str) -> Model | None:
        """Return a Deferred of a log of a step, or None."""
        return await self._one("steps", stepid, "logs", slug)

    def getLogs(self, stepid: int) -> Any:
        """Return a Deferred of the logs of a step."""
        return outward(self._all("steps", stepid, "logs"))

    def getLogLines(self, logid: int, first_line: int, last_line: int) -> Any:
        """Return a Deferred of the text of these lines, the last included."""
        return outward(self._lines(logid, first_line, last_line))

    def deleteOldLogChunks(self, older_than_timestamp: float) -> Any:
        """Delete the text of logs of builds that finished before that time (seconds since 1970);
        returns a Deferred of their number."""
        return outward(self._delete(older_than_timestamp))

    async def _delete(self, before: float) -> int:
        engine = self._access.engine
        batches = engine.retention.delete_logs(before, engine.master_id)
        return sum([batch.count async for batch in batches])

    async def _lines(self, logid: int, first: int, last: int) -> str:
        path = ("logs", logid, "contents")
        found = await self._data.fetch(path, offset=first, limit=last - first + 1)
        return "" if found is None else str(found["content"])


class BuildDataView:
    """``master.db.build_data``."""

    def __init__(self, access: EngineAccess, data: DataView) -> None:
        self._access = access
        self._data = data

    def getBuildData(self, buildid: int, name: str) -> Any:
        """Return a Deferred of a datum of a build, or None."""
        return outward(self._one(buildid, name))

    def getAllBuildDataNoValues(self, buildid: int) -> Any:
        """Return a Deferred of all data of a build, without their values."""
        return outward(self._all(buildid))

    def setBuildData(self, buildid: int, name: str, value: bytes, source: str) -> Any:
        """Store a datum of a build; returns a Deferred."""
        return self._data.updates.setBuildData(buildid, name, value, source)

    def deleteOldBuildData(self, older_than_timestamp: float) -> Any:
        """Delete the data of builds that finished before that time (seconds since 1970); returns a
        Deferred of their number."""
        return outward(self._delete(older_than_timestamp))

    @outgoing
    async def getBuildDataNoValue(self, buildid: int, name: str) -> Model | None:
        """Return a Deferred of a datum of a build without its value, or None."""
        row = await self._one(buildid, name)
        return None if row is None else Model(row, value=None)

    async def _delete(self, before: float) -> int:
        return sum([n async for n in self._access.engine.retention.delete_build_data(before)])

    async def _one(self, buildid: int, name: str) -> Model | None:
        row = await self._data.fetch(("builds", buildid, "data", name))
        return None if row is None else Model(row)

    async def _all(self, buildid: int) -> list[Model]:
        rows = await self._data.fetch(("builds", buildid, "data"))
        return [Model({**row, "value": None}) for row in rows]
