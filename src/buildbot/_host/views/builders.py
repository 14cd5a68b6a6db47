"""Builders, requests and workers, as users' functions in a configuration see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

from buildbot._border.bridge import inward, outward
from buildbot._host.views.collapsing import may_be_collapsed
from buildbot._host.views.quarantine import Quarantine
from buildbot._host.views.surroundings import Surroundings
from buildbot.process.build_parts import SourceStampView
from buildbot.process.properties import Properties
from buildbot.util.times import epoch2datetime
from chargehand.dispatch.ports import WorkerSlot
from chargehand.domain.build import Build
from chargehand.domain.buildset import PendingRequest
from chargehand.domain.identifiers import SourceStampId
from chargehand.domain.source_stamp import StoredSourceStamp
from chargehand.resources.query import Filter, Operator, Order

_MINIMUM_PRIORITY = -(2**31)


class Builder:
    """A builder: ``name``, ``config`` (the user's BuilderConfig), ``builderid``, ``master``."""

    def __init__(self, name: str, config: Any, surroundings: Surroundings) -> None:
        self.name = name
        self.config = config
        self.tags = list(getattr(config, "tags", ()))
        self.surroundings = surroundings
        self.workers: list[WorkerForBuilder] = []

    def __repr__(self) -> str:
        return f"<Builder {self.name!r}>"

    @property
    def master(self) -> Any:
        """The master."""
        return self.surroundings.master

    @property
    def building(self) -> list[RunningBuild]:
        """The builds that run on it now."""
        builder_id = self.builderid
        running = self.surroundings.engine.builds.running
        return [RunningBuild(build, self) for build in running if build.builder_id == builder_id]

    @property
    def old_building(self) -> dict[Any, Any]:
        """Buildbot has builds here that began before a reconfiguration; `building` has all."""
        return {}

    @property
    def builderid(self) -> int:
        """The builder's identifier."""
        return self.surroundings.engine.builders.ids([self.name])[0]

    def getBuilderId(self) -> Any:
        """Return a Deferred of the builder's identifier."""
        return outward(self._builder_id())

    async def _builder_id(self) -> int:
        return self.builderid

    def getOldestRequestTime(self) -> Any:
        """Return a Deferred: when the oldest waiting request was submitted, None without any."""
        return outward(self._time("buildrequests", "submitted_at", claimed=False))

    def getNewestCompleteTime(self) -> Any:
        """Return a Deferred: when the last completed request was completed, None without any."""
        return outward(self._time("buildrequests", "-complete_at", complete=True))

    def get_highest_priority(self) -> Any:
        """Return a Deferred of the highest priority of its waiting requests."""
        return outward(self._highest_priority())

    async def _time(self, kind: str, order: str, **wanted: bool) -> datetime | None:
        field = order.lstrip("-")
        row = await self._first(kind, order, **wanted)
        return epoch2datetime(row[field]) if row is not None else None

    async def _highest_priority(self) -> int:
        row = await self._first("buildrequests", "-priority", claimed=False)
        return row["priority"] if row is not None else _MINIMUM_PRIORITY

    async def _first(self, kind: str, order: str, **wanted: bool) -> dict[str, Any] | None:
        rows = await self.surroundings.engine.data.get(
            f"builders/{self.builderid}/{kind}",
            filters=[Filter(name, Operator.EQ, (value,)) for name, value in wanted.items()],
            order=[Order(order.lstrip("-"), descending=order.startswith("-"))],
            limit=1,
        )
        return rows[0] if isinstance(rows, list) and rows else None


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


class BuildRequest:
    """A request that waits."""

    def __init__(
        self,
        pending: PendingRequest,
        builder_name: str,
        stamps: Mapping[SourceStampId, StoredSourceStamp],
        master: Any,
    ) -> None:
        request = pending.request
        self.pending = pending
        self.master = master
        self.id = request.id
        self.bsid = request.buildset_id
        self.builderid = request.builder_id
        self.buildername = builder_name
        self.priority = request.priority
        self.submittedAt = request.submitted_at
        self.waitedFor = request.waited_for
        self.reason = pending.reason
        self._stamps = stamps

    # Functions get all waiting requests, and look at few: the rest is made when it is asked for.

    @cached_property
    def properties(self) -> Properties:
        """The properties it will give to its build."""
        made = Properties()
        made.properties.update(self.pending.properties)
        return made

    @cached_property
    def sources(self) -> dict[str, SourceStampView]:
        """Its source stamps by codebase."""
        stamps = [self._stamps[number] for number in self.pending.source_stamp_ids]
        return {stored.stamp.codebase: SourceStampView(stored, []) for stored in stamps}

    @property
    def source(self) -> SourceStampView | None:
        """Its first source stamp."""
        return next(iter(self.sources.values()), None)

    def __repr__(self) -> str:
        return f"<BuildRequest {self.id} of {self.buildername!r}>"

    @staticmethod
    def canBeCollapsed(master: Any, new_br: Mapping[str, Any], old_br: Mapping[str, Any]) -> Any:
        """Return a Deferred: whether Buildbot's own rule lets one build do for both requests."""
        return outward(inward(may_be_collapsed, master, new_br, old_br))

    def mergeReasons(self, others: Sequence[BuildRequest]) -> str:
        """Return the reasons of this and others, each once."""
        return ", ".join(dict.fromkeys(one.reason for one in [self, *others] if one.reason))

    def getSubmitTime(self) -> float:
        """Return when it was submitted, in seconds since 1970."""
        return self.submittedAt


class WorkerView:
    """A worker; attributes of the object in the configuration are found as well."""

    def __init__(self, slot: WorkerSlot, surroundings: Surroundings) -> None:
        self.slot = slot
        self._surroundings = surroundings
        self.name = self.workername = slot.name
        self.workerid = slot.id
        self.max_builds = slot.max_builds
        self.properties = Properties()
        self.properties.properties.update(getattr(slot.config, "properties", {}))
        self.properties.setProperty("workername", slot.name, "Worker")

    def __getattr__(self, name: str) -> Any:
        slot = self.__dict__.get("slot")
        configured = getattr(slot.config, "extension", None) if slot is not None else None
        if configured is None or name.startswith("__"):
            raise AttributeError(f"a worker has no attribute {name!r} here")
        return getattr(configured, name)

    def __repr__(self) -> str:
        return f"<Worker {self.name!r}>"

    def isConnected(self) -> bool:
        """Return whether it is connected."""
        return self.slot.connected

    @property
    def quarantine_timeout(self) -> float:
        """How many seconds the next quarantine lasts."""
        return self._quarantine.seconds

    @quarantine_timeout.setter
    def quarantine_timeout(self, seconds: float) -> None:
        self._quarantine.seconds = float(seconds)

    def putInQuarantine(self) -> None:
        """Give it no builds for `quarantine_timeout` seconds; the next time twice as long."""
        self._quarantine.begin(self._surroundings.engine.workers, self.name)

    def resetQuarantine(self) -> None:
        """Let the next quarantine be as short as the first; one that has begun goes on."""
        self._quarantine.reset()

    def exitQuarantine(self) -> None:
        """Let it get builds again."""
        self._surroundings.engine.workers.rest(self.name, 0)

    @property
    def _quarantine(self) -> Quarantine:
        return self._surroundings.quarantines.setdefault(self.name, Quarantine())


class WorkerForBuilder:
    """A worker, as one builder uses it."""

    def __init__(self, slot: WorkerSlot, builder: Builder) -> None:
        self.slot = slot
        self.worker = WorkerView(slot, builder.surroundings)
        self.builder = builder
        self.builder_name = builder.name

    def __repr__(self) -> str:
        return f"<WorkerForBuilder {self.builder_name!r} on {self.worker.name!r}>"

    def isAvailable(self) -> bool:
        """Return whether it could start a build now."""
        slot = self.slot
        full = slot.max_builds is not None and slot.running >= slot.max_builds
        return slot.connected and not slot.paused and not full


def as_row(pending: PendingRequest) -> dict[str, Any]:
    """Return a request as the REST API has it (``collapseRequests`` gets such)."""
    request = pending.request
    return {
        "buildrequestid": request.id,
        "buildsetid": request.buildset_id,
        "builderid": request.builder_id,
        "priority": request.priority,
        "claimed": request.claimed_by is not None,
        "claimed_at": epoch2datetime(request.claimed_at),
        "claimed_by_masterid": request.claimed_by,
        "complete": request.complete,
        "complete_at": epoch2datetime(request.complete_at),
        "results": -1 if request.result is None else int(request.result),
        "submitted_at": epoch2datetime(request.submitted_at),
        "waited_for": request.waited_for,
        "properties": dict(pending.properties),
    }
