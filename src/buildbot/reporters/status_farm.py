"""The master and its builders as status receivers of Buildbot 0.8 see them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from functools import cached_property
from itertools import islice
from typing import Any

from buildbot._border.bridge import settled
from buildbot.reporters.status_objects import BuildStatus, StatusObject
from buildbot.reporters.status_orders import BuildRequestStatus, BuildSetStatus
from buildbot.reporters.status_reading import StatusReading
from buildbot.reporters.status_sources import ChangeStatus, SourceStampStatus
from buildbot.reporters.status_workers import WorkerStatus
from chargehand.kit.guard import contained
from chargehand.resources.query import Filter, Operator

_PAGE = 50
_MAX_SEARCH = 200


class BuilderStatus(StatusObject):
    """A builder of the configuration."""

    def __init__(self, name: str, status: Status, config: Any = None) -> None:
        super().__init__(status)
        self.name = name
        self._config = config
        self.tags = list(getattr(config, "tags", None) or ())
        self.category = next(iter(self.tags), None)
        self.slavenames = list(getattr(config, "workernames", None) or ())
        self.workernames = self.slavenames

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BuilderStatus) and other.name == self.name

    def __hash__(self) -> int:
        return hash(self.name)

    @cached_property
    def builderid(self) -> int:
        """Its identifier."""
        return int(self.status.master.access.builder_id(self.name))

    @property
    def nextBuildNumber(self) -> int:
        """The number of its next build."""
        newest = self._builds(limit=1)
        return newest[0].number + 1 if newest else 1

    @property
    def currentBigState(self) -> str:
        """``offline``, ``idle`` or ``building``."""
        return self.getState()[0]

    def getName(self) -> str:
        """Return the name."""
        return self.name

    def getDescription(self) -> str | None:
        """Return what the configuration says of it."""
        found: str | None = getattr(self._config, "description", None)
        return found

    def getCategory(self) -> str | None:
        """Return its first tag: what a category was."""
        return self.category

    def getTags(self) -> list[str]:
        """Return its tags."""
        return list(self.tags)

    def matchesAnyTag(self, tags: Collection[str]) -> bool:
        """Return whether it has one of these tags."""
        return bool(set(self.tags) & set(tags))

    def getState(self) -> tuple[str, list[BuildStatus]]:
        """Return ``offline``, ``idle`` or ``building``, and the builds that run."""
        running = self.getCurrentBuilds()
        if running:
            return "building", running
        is_online = any(worker.isConnected() for worker in self.getSlaves())
        return ("idle" if is_online else "offline"), []

    def getSlaves(self) -> list[WorkerStatus]:
        """Return its workers."""
        return [self.status.getSlave(name) for name in self.slavenames]

    getWorkers = getSlaves

    def getCurrentBuilds(self) -> list[BuildStatus]:
        """Return the builds that run."""
        return self._builds(order="number", complete=False)

    def getPendingBuildRequestStatuses(self) -> Any:
        """Return a Deferred of its waiting requests."""
        rows = self.reading.rows(
            f"builders/{self.builderid}/buildrequests", order="buildrequestid", claimed=False
        )
        return settled([BuildRequestStatus(row, self.status) for row in rows])

    def getLastFinishedBuild(self) -> BuildStatus | None:
        """Return the newest build that has finished, None if none has."""
        return next(iter(self._builds(limit=1, complete=True)), None)

    def getBuild(self, number: int, revision: str | None = None) -> BuildStatus | None:
        """Return a build by its number; -1 is the newest, -2 the one before. None if it does not
        exist any more."""
        if number < 0:
            newest = self._builds(limit=-number)
            return newest[-1] if len(newest) == -number else None
        return next(iter(self._builds(number=number)), None)

    def getBuildByRevision(self, revision: str) -> BuildStatus | None:
        """Return the newest of its builds that built this revision, among the last ones."""
        built = (one for one in self._newest(_MAX_SEARCH) if revision in _revisions(one))
        return next(built, None)

    def generateFinishedBuilds(
        self,
        branches: Collection[str | None] = (),
        num_builds: int | None = None,
        max_buildnum: int | None = None,
        finished_before: float | None = None,
        results: Collection[int] | None = None,
        max_search: int = _MAX_SEARCH,
    ) -> Iterator[BuildStatus]:
        """Yield builds that have finished, the newest first."""
        found = (
            build
            for build in self._newest(max_search)
            if build.isFinished()
            and (max_buildnum is None or build.number <= max_buildnum)
            and (finished_before is None or (build.getTimes()[1] or 0) < finished_before)
            and (results is None or build.getResults() in results)
            and (not branches or _branch(build) in branches)
        )
        return islice(found, num_builds)

    def _newest(self, count: int) -> Iterator[BuildStatus]:
        """Yield that many builds, the newest first, read a page at a time."""
        below = self.nextBuildNumber
        while count > 0:
            page = self._builds(_below(below), limit=min(count, _PAGE))
            yield from page
            if len(page) < _PAGE:
                return
            count -= len(page)
            below = page[-1].number

    def _builds(
        self, *filters: Filter, order: str = "-number", limit: int | None = None, **wanted: Any
    ) -> list[BuildStatus]:
        path = f"builders/{self.builderid}/builds"
        rows = self.reading.rows(path, *filters, order=order, limit=limit, **wanted)
        return [BuildStatus(row, self.status) for row in rows]


class Status:
    """``master.getStatus()``: what receivers ask, and where they subscribe."""

    def __init__(self, master: Any) -> None:
        self.master = master
        self.reading = StatusReading(master)
        self._watched: dict[int, dict[str, bool]] = {}

    def subscribe(self, receiver: Any) -> None:
        """Let it hear of everything; `builderAdded` is called for each builder at once."""
        if not self.is_subscribed(receiver):
            self._watched[id(receiver)] = {}
            for name in self.getBuilderNames():
                self.is_watched(receiver, name)

    def unsubscribe(self, receiver: Any) -> None:
        """Let it hear nothing more."""
        self._watched.pop(id(receiver), None)

    def is_subscribed(self, receiver: Any) -> bool:
        """Return whether it hears of anything."""
        return id(receiver) in self._watched

    def is_watched(self, receiver: Any, name: str) -> bool:
        """Return whether it hears of a builder: it says so by what `builderAdded` returns."""
        answers = self._watched.get(id(receiver), {})
        if name not in answers:
            found = contained(receiver.builderAdded, name, self.getBuilder(name))
            answers[name] = found is not None
        return answers[name]

    def getTitle(self) -> str:
        """Return the farm's title."""
        return str(self.master.config.title)

    getProjectName = getTitle

    def getTitleURL(self) -> str:
        """Return the address of the farm's own site."""
        return str(self.master.config.titleURL)

    getProjectURL = getTitleURL

    def getBuildbotURL(self) -> str:
        """Return the address of the master's pages."""
        return str(self.master.config.buildbotURL)

    def getURLForThing(self, thing: Any) -> str | None:
        """Return the address of the page of a build, a request, a builder or a worker; None for
        all else."""
        match thing:
            case BuildStatus() | BuildRequestStatus():
                return thing.getURL()
            case BuilderStatus():
                return f"{self.getBuildbotURL()}#/builders/{thing.builderid}"
            case WorkerStatus():
                rows = self.reading.rows("workers", name=thing.name)
                return f"{self.getBuildbotURL()}#/workers/{rows[0]['workerid']}" if rows else None
            case _:
                return None

    def getURLForBuild(self, builder_name: str, build_number: int) -> str:
        """Return the address of a build's page."""
        builder = self.master.access.builder_id(builder_name)
        return f"{self.getBuildbotURL()}#/builders/{builder}/builds/{build_number}"

    def getChange(self, number: int) -> ChangeStatus | None:
        """Return a change, None if it does not exist."""
        rows = self.reading.rows("changes", changeid=number)
        return ChangeStatus(rows[0]) if rows else None

    def getChangeSources(self) -> list[Any]:
        """Return the configured change sources."""
        given = getattr(self.master.config, "change_source", None) or []
        return list(given) if isinstance(given, list | tuple) else [given]

    def getSchedulers(self) -> list[Any]:
        """Return the configured schedulers."""
        return list(self.master.allSchedulers())

    def getBuilderNames(
        self, tags: Sequence[str] | None = None, categories: Sequence[str] | None = None
    ) -> list[str]:
        """Return the names of the builders; where given, of those with one of the tags."""
        wanted = set(tags or categories or ())
        configs = self.master.config.builders
        return [one.name for one in configs if not wanted or wanted & set(one.tags or ())]

    def getBuilder(self, name: str) -> BuilderStatus:
        """Return a builder."""
        configs = self.master.config.builders
        return BuilderStatus(name, self, next((one for one in configs if one.name == name), None))

    def builder_of(self, builder_id: int) -> BuilderStatus:
        """Return a builder by its identifier."""
        return self.getBuilder(self.master.access.builder_name(builder_id))

    def getSlaveNames(self) -> list[str]:
        """Return the names of the workers."""
        return [worker.workername for worker in self.master.config.workers]

    getWorkerNames = getSlaveNames

    def getSlave(self, name: str) -> WorkerStatus:
        """Return a worker."""
        return WorkerStatus(name, self)

    getWorker = getSlave

    def getBuildSets(self) -> Any:
        """Return a Deferred of the buildsets that are not complete."""
        rows = self.reading.rows("buildsets", order="bsid", complete=False)
        return settled([BuildSetStatus(row, self) for row in rows])

    def generateFinishedBuilds(
        self,
        builders: Collection[str] = (),
        branches: Collection[str | None] = (),
        num_builds: int | None = None,
        finished_before: float | None = None,
        max_search: int = _MAX_SEARCH,
    ) -> Iterator[BuildStatus]:
        """Yield finished builds of some builders, or of all, the newest first."""
        names = set(builders) & set(self.getBuilderNames()) if builders else None
        rows = self.reading.rows("builds", order="-complete_at", limit=max_search, complete=True)
        found = (
            build
            for build in (BuildStatus(row, self) for row in rows)
            if (names is None or build.builder.name in names)
            and (finished_before is None or (build.getTimes()[1] or 0) < finished_before)
            and (not branches or _branch(build) in branches)
        )
        return islice(found, num_builds)

    def stamps_of(self, buildset_id: int) -> list[SourceStampStatus]:
        """Return what a buildset is to build."""
        row = self.reading.row(f"buildsets/{buildset_id}")
        return [
            SourceStampStatus(
                stamp,
                [
                    ChangeStatus(change)
                    for change in self.reading.rows(f"sourcestamps/{stamp['ssid']}/changes")
                ],
            )
            for stamp in row["sourcestamps"]
        ]


def _below(number: int) -> Filter:
    return Filter("number", Operator.LT, (number,))


def _branch(build: BuildStatus) -> str | None:
    return next((stamp.branch for stamp in build.getSourceStamps()), None)


def _revisions(build: BuildStatus) -> list[Any]:
    return [stamp.revision for stamp in build.getSourceStamps(absolute=True)]
