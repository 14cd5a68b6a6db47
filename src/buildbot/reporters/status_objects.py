"""Builds, steps and logs as status receivers of Buildbot 0.8 see them.

They are made of rows; what a row lacks is read at the first question.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any

from buildbot._border.bridge import inward, outward
from buildbot.process.properties import Properties
from buildbot.process.results import statusToString
from buildbot.reporters.status_reading import Row, StatusReading, moment
from buildbot.reporters.status_sources import ChangeStatus, SourceStampStatus
from chargehand.resources.query import Filter, Operator

CHANNELS = {"o": 0, "e": 1, "h": 2}
"""The numbers that receivers know channels of logs by."""


class StatusObject:
    """Part of a master's status: *status* is `buildbot.reporters.status_farm.Status`."""

    def __init__(self, status: Any) -> None:
        self.status = status

    @property
    def reading(self) -> StatusReading:
        """What reads rows."""
        found: StatusReading = self.status.reading
        return found

    def subscribe(self, receiver: Any, updateInterval: Any = None) -> None:
        """Do nothing: who is subscribed to the whole hears of each part."""

    def unsubscribe(self, receiver: Any) -> None:
        """Do nothing, as `subscribe`."""

    def _ended(self, key: tuple[str, ...], is_over: Callable[[], bool]) -> Any:
        """Return a Deferred of this object, once an event has come or it is over already."""
        return outward(self._wait(key, is_over))

    async def _wait(self, key: tuple[str, ...], is_over: Callable[[], bool]) -> Any:
        await inward(self.status.master.mq.waitUntilEvent, key, is_over)
        return self


class LogStatus(StatusObject):
    """A log of a step."""

    def __init__(self, row: Row, step: StepStatus) -> None:
        super().__init__(step.status)
        self._row = row
        self._step = step

    @property
    def name(self) -> str:
        """The name."""
        return self.getName()

    def getName(self) -> str:
        """Return the name."""
        return str(self._row["name"])

    def getStep(self) -> StepStatus:
        """Return the step."""
        return self._step

    def getText(self) -> str:
        """Return the text, without headers."""
        return "".join(text for channel, text in self._lines() if channel != "h")

    def getTextWithHeaders(self) -> str:
        """Return the text, with headers."""
        return "".join(text for _, text in self._lines())

    def readlines(self, *_: Any) -> list[str]:
        """Return the lines of what the command wrote to its standard output."""
        return [text for channel, text in self._lines() if channel == "o"]

    def getChunks(self, channels: Sequence[int] = (), onlyText: bool = False) -> list[Any]:
        """Return the lines as pairs of a channel's number and a text; or the texts alone."""
        found = [(CHANNELS.get(channel, 0), text) for channel, text in self._lines()]
        wanted = [one for one in found if not channels or one[0] in channels]
        return [text for _, text in wanted] if onlyText else wanted

    def hasContents(self) -> bool:
        """Return whether its text is still stored."""
        return bool(self._current["num_lines"])

    def isFinished(self) -> bool:
        """Return whether it is complete."""
        return bool(self._row.get("complete")) or bool(self._current["complete"])

    def waitUntilFinished(self) -> Any:
        """Return a Deferred of this log, which fires when it is complete."""
        return self._ended(("logs", str(self._row["logid"]), "finished"), self.isFinished)

    @property
    def _current(self) -> Row:
        return self.reading.row(f"logs/{self._row['logid']}")

    def _lines(self) -> Iterator[tuple[str, str]]:
        """Return lines with the letter of their channel."""
        has_letters = self._row.get("type") == "s"
        content = self._row.get("content")
        if content is None:
            text = self.reading.lines(self._row["logid"])
        else:
            text = str(content.get("content", ""))
        for line in text.splitlines(keepends=True):
            yield (line[0], line[1:]) if has_letters else ("o", line)


class StepStatus(StatusObject):
    """A step of a build."""

    def __init__(self, row: Row, build: BuildStatus) -> None:
        super().__init__(build.status)
        self._row = row
        self._build = build

    @property
    def name(self) -> str:
        """The name."""
        return self.getName()

    @property
    def step_number(self) -> int:
        """Its place in the build, from 0 on."""
        return int(self._row["number"])

    def getName(self) -> str:
        """Return the name."""
        return str(self._row["name"])

    def getBuild(self) -> BuildStatus:
        """Return the build."""
        return self._build

    def getText(self) -> list[str]:
        """Return the sentence about its state, as a list."""
        return [str(self._row["state_string"])]

    def getText2(self) -> list[str]:
        """Return the sentence for the build: that of the step when it went wrong."""
        return [] if self._row["results"] in (None, 0) else self.getText()

    def getResults(self) -> tuple[int | None, list[str]]:
        """Return the result and the sentence."""
        return self._row["results"], self.getText()

    def getTimes(self) -> tuple[float | None, float | None]:
        """Return when it began and when it finished, in seconds since 1970."""
        return moment(self._row["started_at"]), moment(self._row["complete_at"])

    def getExpectations(self) -> list[Any]:
        """Return nothing: what is expected is known as an ETA only."""
        return []

    def getETA(self) -> float | None:
        """Return how many seconds it is expected to take on, None if that is not known."""
        return None if self.isFinished() else self._build.seconds_left(self._row["stepid"])

    def getLogs(self) -> list[LogStatus]:
        """Return its logs."""
        rows = self._row.get("logs")
        if rows is None:
            rows = self.reading.rows(f"steps/{self._row['stepid']}/logs", order="logid")
        return [LogStatus(row, self) for row in rows]

    def getURLs(self) -> dict[str, str]:
        """Return its links by name."""
        return {one["name"]: one["url"] for one in self._row.get("urls") or ()}

    def getStatistic(self, name: str, default: Any = None) -> Any:
        """Return a statistic, once the step has run; else *default*."""
        return self.getStatistics().get(name, default)

    def hasStatistic(self, name: str) -> bool:
        """Return whether there is such a statistic, once the step has run."""
        return name in self.getStatistics()

    def getStatistics(self) -> dict[str, Any]:
        """Return all statistics, once the step has run."""
        return self._build.statistics().get(self.step_number, {})

    def isHidden(self) -> bool:
        """Return whether pages hide it."""
        return bool(self._row["hidden"])

    def isStarted(self) -> bool:
        """Return whether it has begun."""
        return self._row["started_at"] is not None

    def isFinished(self) -> bool:
        """Return whether it has finished."""
        return bool(self._row["complete"]) or bool(self._current["complete"])

    def waitUntilFinished(self) -> Any:
        """Return a Deferred of this step, which fires when it has finished."""
        return self._ended(("steps", str(self._row["stepid"]), "finished"), self.isFinished)

    @property
    def _current(self) -> Row:
        return self.reading.row(f"steps/{self._row['stepid']}")


class BuildStatus(StatusObject):
    """A build: its row is of the moment of the event, all else is read when it is asked for."""

    def __init__(self, row: Row, status: Any) -> None:
        super().__init__(status)
        self._row = row
        self.number = row["number"]

    @property
    def builder(self) -> Any:
        """Its builder."""
        return self.getBuilder()

    @cached_property
    def _buildset(self) -> Row:
        request = self.reading.row(f"buildrequests/{self._row['buildrequestid']}")
        return self.reading.row(f"buildsets/{request['buildsetid']}")

    @cached_property
    def _builder(self) -> Any:
        return self.status.builder_of(self._row["builderid"])

    @cached_property
    def _changes(self) -> list[ChangeStatus]:
        rows = self.reading.rows(f"builds/{self._row['buildid']}/changes")
        return [ChangeStatus(row) for row in rows]

    def getBuilder(self) -> Any:
        """Return its builder."""
        return self._builder

    def getNumber(self) -> int:
        """Return its number."""
        return int(self.number)

    def getReason(self) -> str:
        """Return why it was made."""
        return str(self._buildset["reason"])

    def getResults(self) -> int | None:
        """Return the result, None while it runs."""
        found: int | None = self._row["results"]
        return found

    def getText(self) -> list[str]:
        """Return the sentence about its state, as a list."""
        return [str(self._row["state_string"] or statusToString(self._row["results"]))]

    def getTimes(self) -> tuple[float | None, float | None]:
        """Return when it began and when it finished, in seconds since 1970."""
        return moment(self._row["started_at"]), moment(self._row["complete_at"])

    def getETA(self) -> float | None:
        """Return how many seconds it is expected to take on, None if that is not known."""
        if self.isFinished():
            return None
        return self.seconds_left(None)

    def seconds_left(self, step_id: int | None) -> float | None:
        """Return how long a step is expected to take on, or the build (None)."""
        for row in self.reading.rows(f"builds/{self._row['buildid']}/etas"):
            if row["stepid"] == step_id:
                found: float = row["seconds_left"]
                return found
        return None

    def isFinished(self) -> bool:
        """Return whether it has finished."""
        return bool(self._row["complete"]) or bool(self._current["complete"])

    def waitUntilFinished(self) -> Any:
        """Return a Deferred of this build, which fires when it has finished."""
        return self._ended(("builds", str(self._row["buildid"]), "finished"), self.isFinished)

    @property
    def _current(self) -> Row:
        return self.reading.row(f"builds/{self._row['buildid']}")

    def getSlavename(self) -> str:
        """Return the name of its worker."""
        if (worker := self._row["workerid"]) is None:
            return ""
        return str(self.reading.row(f"workers/{worker}")["name"])

    getWorkername = getSlavename

    def getURL(self) -> str:
        """Return the address of its page."""
        return str(self.status.getURLForBuild(self.builder.name, self.number))

    def getProperties(self) -> Properties:
        """Return its properties."""
        return Properties.fromDict(self.reading.properties(f"builds/{self._row['buildid']}"))

    def getProperty(self, name: str, default: Any = None) -> Any:
        """Return a property."""
        return self.getProperties().getProperty(name, default)

    def hasProperty(self, name: str) -> bool:
        """Return whether it has a property."""
        return name in self.getProperties()

    def getChanges(self) -> list[ChangeStatus]:
        """Return its changes."""
        return list(self._changes)

    def getRevisions(self) -> str:
        """Return the revisions of its changes, in one text."""
        return ",".join(str(change.revision)[:7] for change in self._changes)

    def getResponsibleUsers(self) -> list[str]:
        """Return who made the changes, and its owners, sorted."""
        found = {str(change.who) for change in self._changes}
        properties = self.getProperties()
        if "owner" in properties:
            found.add(str(properties["owner"]))
        owners = properties.getProperty("owners", [])
        found.update(map(str, owners if isinstance(owners, list) else [owners]))
        patches = (stamp["patch"] for stamp in self._buildset["sourcestamps"] if stamp["patch"])
        found.update(patch["author"] for patch in patches if patch.get("author"))
        return sorted(found)

    getInterestedUsers = getResponsibleUsers

    def getSourceStamps(self, absolute: bool = False) -> list[SourceStampStatus]:
        """Return what it was made of; with *absolute*, at the revisions that were built."""
        found = [
            SourceStampStatus(
                row, [one for one in self._changes if one.codebase == row["codebase"]]
            )
            for row in self._buildset["sourcestamps"]
        ]
        for stamp in found if absolute else ():
            stamp.revision = self.getAllGotRevisions().get(stamp.codebase) or stamp.revision
        return found

    def getSourceStamp(self, codebase: str = "") -> SourceStampStatus | None:
        """Return what it was made of, of one codebase."""
        stamps = self.getSourceStamps()
        return next((one for one in stamps if one.codebase == codebase), None)

    def getAllGotRevisions(self) -> dict[str, Any]:
        """Return the revisions that were built, by codebase."""
        found = self.getProperty("got_revision", {})
        return found if isinstance(found, dict) else {"": found}

    def getSteps(self) -> list[StepStatus]:
        """Return its steps."""
        rows = self.reading.rows(f"builds/{self._row['buildid']}/steps", order="number")
        return [StepStatus(row, self) for row in rows]

    def getCurrentStep(self) -> StepStatus | None:
        """Return the step that runs, None if none does."""
        running = (one for one in self.getSteps() if one.isStarted() and not one.isFinished())
        return next(running, None)

    def getLogs(self) -> list[LogStatus]:
        """Return the logs of all steps."""
        return [log for step in self.getSteps() for log in step.getLogs()]

    def getSummaryStatistic(
        self, name: str, summary_fn: Callable[[Any, Any], Any], initial_value: Any = None
    ) -> Any:
        """Return the statistic of all steps that have run, put together by *summary_fn*."""
        total = initial_value
        for counted in self.statistics().values():
            if name in counted:
                total = counted[name] if total is None else summary_fn(total, counted[name])
        return total

    def statistics(self) -> dict[int, Row]:
        """Return what the steps have counted, by the steps' numbers."""
        rows = self.reading.rows(f"builds/{self._row['buildid']}/statistics", order="number")
        return {row["number"]: row["statistics"] for row in rows}

    def getTestResults(self) -> dict[Any, Any]:
        """Return nothing: test results are not stored."""
        return {}

    def getPreviousBuild(self) -> BuildStatus | None:
        """Return the build of this builder before it, None for the first that is still stored."""
        earlier = self.reading.rows(
            f"builders/{self._row['builderid']}/builds",
            Filter("number", Operator.LT, (self.number,)),
            order="-number",
            limit=1,
        )
        return BuildStatus(earlier[0], self.status) if earlier else None
