"""``master.db``: builders, workers, schedulers and masters."""

from __future__ import annotations

from typing import Any

from buildbot._border.bridge import outgoing
from buildbot._host.views.rows import Model, identified
from buildbot._host.views.table import OwnedTableView, TableView


class BuildersView(TableView):
    """``master.db.builders``."""

    _key = "builderid"

    @outgoing
    async def findBuilderId(self, name: str, autoCreate: bool = True) -> int | None:
        """Return a Deferred of a builder's identifier; None for a builder that never was. None is
        created: builders are made by the configuration."""
        return await self._identifier("builders", name)

    @outgoing
    async def getBuilder(self, builderid: int) -> Model | None:
        """Return a Deferred of a builder, or None."""
        return await self._one("builders", builderid)

    @outgoing
    async def getBuilders(
        self,
        masterid: int | None = None,
        projectid: int | None = None,
        workerid: int | None = None,
    ) -> list[Model]:
        """Return a Deferred of the builders, of one master, project or worker where given."""
        path: tuple[Any, ...] = ("builders",)
        if masterid is not None:
            path = ("masters", masterid, "builders")
        elif workerid is not None:
            path = ("workers", workerid, "builders")
        rows = await self._all(*path)
        return [row for row in rows if projectid in (None, row["projectid"])]


class WorkersView(TableView):
    """``master.db.workers``."""

    _key = "workerid"

    @outgoing
    async def findWorkerId(self, name: str) -> int | None:
        """Return a Deferred of a worker's identifier; None for one that never was."""
        return await self._identifier("workers", name)

    @outgoing
    async def getWorker(
        self,
        workerid: int | None = None,
        name: str | None = None,
        masterid: int | None = None,
        builderid: int | None = None,
    ) -> Model | None:
        """Return a Deferred of a worker, by identifier or name, or None."""
        row = await self._data.fetch(("workers", name if workerid is None else workerid))
        return None if row is None else _worker(row, builderid)

    @outgoing
    async def getWorkers(
        self,
        masterid: int | None = None,
        builderid: int | None = None,
        paused: bool | None = None,
        graceful: bool | None = None,
    ) -> list[Model]:
        """Return a Deferred of the workers with these values."""
        path = ("workers",) if masterid is None else ("masters", masterid, "workers")
        return [
            _worker(row, builderid)
            for row in await self._data.fetch(path)
            if paused in (None, row["paused"])
            and graceful in (None, row["graceful"])
            and (
                builderid is None
                or any(one["builderid"] == builderid for one in row["configured_on"])
            )
        ]


class ProjectsView(TableView):
    """``master.db.projects``."""

    _key = "projectid"

    @outgoing
    async def find_project_id(self, name: str, auto_create: bool = True) -> int | None:
        """Return a Deferred of a project's identifier; None for one that never was. None is
        created: projects are made by the configuration."""
        return await self._identifier("projects", name)

    @outgoing
    async def get_project(self, projectid: int) -> Model | None:
        """Return a Deferred of a project, or None."""
        return await self._one("projects", projectid)

    @outgoing
    async def get_projects(self) -> list[Model]:
        """Return a Deferred of all projects."""
        return await self._all("projects")


class SchedulersView(OwnedTableView):
    """``master.db.schedulers``."""

    _key = "schedulerid"
    _shown = ("name", "enabled")

    @outgoing
    async def getScheduler(self, schedulerid: int) -> Model | None:
        """Return a Deferred of a scheduler, or None."""
        return await self._one("schedulers", schedulerid)

    @outgoing
    async def getSchedulers(
        self, active: bool | None = None, masterid: int | None = None
    ) -> list[Model]:
        """Return a Deferred of the schedulers: those that a master runs, or none does."""
        return await self._owned("schedulers", active, masterid)

    @outgoing
    async def findSchedulerId(self, name: str) -> int | None:
        """Return a Deferred of a scheduler's identifier; None for one that never was."""
        return await self._named("schedulers", name)


class MastersView(TableView):
    """``master.db.masters``."""

    _key = "masterid"

    @outgoing
    async def getMaster(self, masterid: int) -> Model | None:
        """Return a Deferred of a master, or None."""
        return await self._one("masters", masterid)

    @outgoing
    async def getMasters(self) -> list[Model]:
        """Return a Deferred of all masters that ever used the database."""
        return await self._all("masters")


def _worker(row: dict[str, Any], builder_id: int | None) -> Model:
    """Return a worker, with what it is configured on: one builder, if that was asked for."""
    places = row["configured_on"]
    if builder_id is not None:
        places = [one for one in places if one["builderid"] == builder_id]
    return identified({**row, "configured_on": places}, "workerid")
