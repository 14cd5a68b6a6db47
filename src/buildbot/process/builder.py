"""Builders, as steps and users' functions see them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from buildbot._border.bridge import outward, settled
from buildbot._border.finder import old_names_of
from buildbot._border.times import epoch2datetime
from buildbot.process.access import MasterAccess
from chargehand.domain.build import Build

_MINIMUM_PRIORITY = -(2**31)


class Builder:
    """A builder: ``name``, ``config`` (the user's BuilderConfig), ``builderid``, ``master``.

    *access* is the running master; without one (in tests of steps) only what is given is known.
    """

    def __init__(
        self,
        name: str,
        config: Any,
        *,
        access: MasterAccess | None,
        master: Any = None,
        builder_id: int | None = None,
    ) -> None:
        self.name = name
        self.config = config
        self.tags = list(getattr(config, "tags", ()))
        self.master = access.master if access is not None else master
        self._optional_access = access
        self._builder_id = builder_id

    def __repr__(self) -> str:
        return f"<Builder {self.name!r}>"

    @property
    def _access(self) -> MasterAccess:
        if self._optional_access is None:
            raise RuntimeError(f"builder {self.name!r}: no master is running")
        return self._optional_access

    @property
    def workers(self) -> list[Any]:
        """Its workers that are connected or started on demand, as WorkerForBuilders."""
        return [] if self._optional_access is None else list(self._access.workers_of(self))

    @property
    def building(self) -> list[RunningBuild]:
        """The builds that run on it now."""
        running = self._access.running_builds(self.builderid)
        return [RunningBuild(build, self) for build in running]

    @property
    def botmaster(self) -> Any:
        """The builders of the master: ``master.botmaster``."""
        return self.master.botmaster

    @property
    def project_name(self) -> str | None:
        """The name of its project, None without one."""
        name: str | None = getattr(self.config, "project", None)
        return name

    @property
    def old_building(self) -> dict[Any, Any]:
        """Buildbot has builds here that began before a reconfiguration; `building` has all."""
        return {}

    @property
    def builderid(self) -> int:
        """The builder's identifier."""
        if self._builder_id is None:
            self._builder_id = self._access.builder_id(self.name)
        return self._builder_id

    def getBuild(self, number: int) -> RunningBuild | None:
        """Return the running build with that number, None if none has."""
        return next((build for build in self.building if build.number == number), None)

    def getName(self) -> str:
        """Return its name, as a status object did."""
        return self.name

    def getBuilderId(self) -> Any:
        """Return a Deferred of the builder's identifier."""
        return settled(self.builderid)

    def getOldestRequestTime(self) -> Any:
        """Return a Deferred: when the oldest waiting request was submitted, None without any."""
        return outward(self._time("submitted_at", "submitted_at", claimed=False))

    def getNewestCompleteTime(self) -> Any:
        """Return a Deferred: when the last completed request was completed, None without any."""
        return outward(self._time("-complete_at", "complete_at", complete=True))

    def get_highest_priority(self) -> Any:
        """Return a Deferred of the highest priority of its waiting requests."""
        return outward(self._highest_priority())

    async def _time(self, order: str, field: str, **wanted: bool) -> datetime | None:
        row = await self._first_request(order, **wanted)
        return epoch2datetime(row[field]) if row is not None else None

    async def _highest_priority(self) -> int:
        row = await self._first_request("-priority", claimed=False)
        return row["priority"] if row is not None else _MINIMUM_PRIORITY

    async def _first_request(self, order: str, **wanted: bool) -> dict[str, Any] | None:
        return await self._access.first_row(
            f"builders/{self.builderid}/buildrequests", order, wanted
        )


class RunningBuild:
    """A build that runs."""

    def __init__(self, build: Build, builder: Builder) -> None:
        self.buildid = build.id
        self.number = build.number
        self.builderid = build.builder_id
        self.builder = builder
        self.master = builder.master

    def __repr__(self) -> str:
        return f"<Build {self.builder.name!r} number:{self.number}>"


def enforceChosenWorker(bldr: Any, workerforbuilder: Any, breq: Any) -> bool:
    """A ``canStartBuild`` that keeps a forced build on the worker chosen in its form."""
    chosen = breq.properties.getProperty("workername")
    if isinstance(chosen, str) and chosen:
        return bool(chosen == workerforbuilder.worker.workername)
    return True


__getattr__ = old_names_of(__name__)
