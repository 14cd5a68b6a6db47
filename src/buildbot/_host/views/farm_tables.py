"""``master.db``: builders, workers, schedulers and masters."""

from __future__ import annotations

from typing import Any

from buildbot._border.bridge import outgoing
from buildbot._host.views.data import DataView
from buildbot._host.views.rows import Model, identified


class BuildersView:
    """``master.db.builders``."""

    def __init__(self, data: DataView) -> None:
        self._data = data

    @outgoing
    async def findBuilderId(self, name: str, autoCreate: bool = True) -> int | None:
        """Return a Deferred of a builder's identifier; None for a builder that never was. None is
        created: builders are made by the configuration."""
        row = await self._data.fetch(("builders", name))
        return None if row is None else int(row["builderid"])

    @outgoing
    async def getBuilder(self, builderid: int) -> Model | None:
        """Return a Deferred of a builder, or None."""
        row = await self._data.fetch(("builders", builderid))
        return None if row is None else identified(row, "builderid")

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
        rows = await self._data.fetch(path)
        return [
            identified(row, "builderid")
            for row in rows
            if projectid is None or row["projectid"] == projectid
        ]


class WorkersView:
    """``master.db.workers``."""

    def __init__(self, data: DataView) -> None:
        self._data = data

    @outgoing
    async def findWorkerId(self, name: str) -> int | None:
        """Return a Deferred of a worker's identifier; None for one that never was."""
        row = await self._data.fetch(("workers", name))
        return None if row is None else int(row["workerid"])

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


class ProjectsView:
    """``master.db.projects``."""

    def __init__(self, data: DataView) -> None:
        self._data = data

    @outgoing
    async def find_project_id(self, name: str, auto_create: bool = True) -> int | None:
        """Return a Deferred of a project's identifier; None for one that never was. None is
        created: projects are made by the configuration."""
        row = await self._data.fetch(("projects", name))
        return None if row is None else int(row["projectid"])

    @outgoing
    async def get_project(self, projectid: int) -> Model | None:
        """Return a Deferred of a project, or None."""
        row = await self._data.fetch(("projects", projectid))
        return None if row is None else identified(row, "projectid")

    @outgoing
    async def get_projects(self) -> list[Model]:
        """Return a Deferred of all projects."""
        return [identified(row, "projectid") for row in await self._data.fetch(("projects",))]


class SchedulersView:
    """``master.db.schedulers``."""

    def __init__(self, data: DataView) -> None:
        self._data = data

    @outgoing
    async def getScheduler(self, schedulerid: int) -> Model | None:
        """Return a Deferred of a scheduler, or None."""
        row = await self._data.fetch(("schedulers", schedulerid))
        return None if row is None else _scheduler(row)

    @outgoing
    async def getSchedulers(
        self, active: bool | None = None, masterid: int | None = None
    ) -> list[Model]:
        """Return a Deferred of the schedulers: those that a master runs, or none does."""
        rows = [_scheduler(row) for row in await self._data.fetch(("schedulers",))]
        return [
            row
            for row in rows
            if active in (None, row["masterid"] is not None) and masterid in (None, row["masterid"])
        ]

    @outgoing
    async def findSchedulerId(self, name: str) -> int | None:
        """Return a Deferred of a scheduler's identifier; None for one that never was."""
        rows = await self._data.select("schedulers", {"name": name})
        return int(rows[0]["schedulerid"]) if rows else None


class MastersView:
    """``master.db.masters``."""

    def __init__(self, data: DataView) -> None:
        self._data = data

    @outgoing
    async def getMaster(self, masterid: int) -> Model | None:
        """Return a Deferred of a master, or None."""
        row = await self._data.fetch(("masters", masterid))
        return None if row is None else identified(row, "masterid")

    @outgoing
    async def getMasters(self) -> list[Model]:
        """Return a Deferred of all masters that ever used the database."""
        return [identified(row, "masterid") for row in await self._data.fetch(("masters",))]


def _worker(row: dict[str, Any], builder_id: int | None) -> Model:
    """Return a worker, with what it is configured on: one builder, if that was asked for."""
    places = row["configured_on"]
    if builder_id is not None:
        places = [one for one in places if one["builderid"] == builder_id]
    return identified({**row, "configured_on": places}, "workerid")


def _scheduler(row: dict[str, Any]) -> Model:
    master = row.get("master")
    return Model(
        id=row["schedulerid"],
        name=row["name"],
        enabled=row["enabled"],
        masterid=None if master is None else master["masterid"],
    )
