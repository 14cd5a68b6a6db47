"""Builds, builders, steps and logs as status receivers of Buildbot 0.8 see them.

Each shows rows that were read before: no method waits for anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from buildbot._border.times import datetime2epoch
from buildbot.process.properties import Properties
from buildbot.process.results import statusToString

Row = dict[str, Any]


class BuilderStatus:
    """A builder; it is told from others by its name."""

    def __init__(self, name: str, row: Row | None = None) -> None:
        self.name = name
        self._row = row or {}
        self.category = next(iter(self._row.get("tags") or ()), None)

    def getName(self) -> str:
        """Return the name."""
        return self.name

    def subscribe(self, receiver: Any) -> None:
        """Do nothing: who is subscribed to the whole hears of each builder."""

    def unsubscribe(self, receiver: Any) -> None:
        """Do nothing, as `subscribe`."""


class LogStatus:
    """A log of a step; its text is there when the build has failed."""

    def __init__(self, row: Row, step: StepStatus) -> None:
        self._row = row
        self._step = step

    def getName(self) -> str:
        """Return the name."""
        return str(self._row["name"])

    def getStep(self) -> StepStatus:
        """Return the step."""
        return self._step

    def getText(self) -> str:
        """Return the text, without headers: at most the last million characters of a build."""
        content = str((self._row.get("content") or {}).get("content", ""))
        if self._row.get("type") != "s":
            return content
        lines = content.splitlines(keepends=True)
        return "".join(line[1:] for line in lines if not line.startswith("h"))

    def getTextWithHeaders(self) -> str:
        """Return the text, with headers."""
        content = str((self._row.get("content") or {}).get("content", ""))
        if self._row.get("type") != "s":
            return content
        return "".join(line[1:] for line in content.splitlines(keepends=True))

    def readlines(self, *_: Any) -> list[str]:
        """Return the lines of the text."""
        return self.getText().splitlines(keepends=True)

    def hasContents(self) -> bool:
        """Return whether anything is in it."""
        return bool(self._row.get("num_lines"))

    def isFinished(self) -> bool:
        """Return whether it is complete."""
        return bool(self._row.get("complete"))


class StepStatus:
    """A step of a build."""

    def __init__(self, row: Row, build: BuildStatus) -> None:
        self._row = row
        self._build = build

    def getName(self) -> str:
        """Return the name."""
        return str(self._row["name"])

    def getBuild(self) -> BuildStatus:
        """Return the build."""
        return self._build

    def getText(self) -> list[str]:
        """Return the sentence about its state, as a list."""
        return [str(self._row["state_string"])]

    def getResults(self) -> tuple[int | None, list[str]]:
        """Return the result and the sentence."""
        return self._row["results"], self.getText()

    def getTimes(self) -> tuple[int | None, int | None]:
        """Return when it began and when it finished, in seconds since 1970."""
        return datetime2epoch(self._row["started_at"]), datetime2epoch(self._row["complete_at"])

    def getLogs(self) -> list[LogStatus]:
        """Return its logs."""
        return [LogStatus(row, self) for row in self._row.get("logs") or ()]

    def getURLs(self) -> dict[str, str]:
        """Return its links by name."""
        return {one["name"]: one["url"] for one in self._row.get("urls") or ()}

    def getStatistic(self, name: str, default: Any = None) -> Any:
        """Return *default*: statistics belong to the build while it runs."""
        return default

    def isStarted(self) -> bool:
        """Return whether it has begun."""
        return self._row["started_at"] is not None

    def isFinished(self) -> bool:
        """Return whether it has finished."""
        return bool(self._row["complete"])


class SourceStampStatus:
    """What a build was made of, of one codebase."""

    def __init__(self, row: Row, changes: Sequence[ChangeStatus]) -> None:
        self.branch = row["branch"]
        self.revision = row["revision"]
        self.repository = row["repository"]
        self.project = row["project"]
        self.codebase = row["codebase"]
        self.patch = row.get("patch")
        self.changes = tuple(changes)


class ChangeStatus:
    """A change."""

    def __init__(self, row: Row) -> None:
        self.number = row["changeid"]
        self.who = self.author = row["author"]
        self.files = row["files"]
        self.comments = row["comments"]
        self.branch = row["branch"]
        self.revision = row["revision"]
        self.revlink = row["revlink"]
        self.category = row["category"]
        self.project = row["project"]
        self.repository = row["repository"]
        self.codebase = row["codebase"]
        self.when = row["when_timestamp"]

    def getShortAuthor(self) -> str:
        """Return the author."""
        return str(self.who)


class BuildStatus:
    """A build, as it is at the moment of an event."""

    def __init__(self, row: Row, *, users: Sequence[str] = (), changes: Sequence[Row] = ()) -> None:
        self._row = row
        self._users = list(users)
        self._changes = [ChangeStatus(change) for change in changes]
        self.builder = BuilderStatus(row["builder"]["name"], row["builder"])
        self.number = row["number"]

    def getBuilder(self) -> BuilderStatus:
        """Return its builder."""
        return self.builder

    def getNumber(self) -> int:
        """Return its number."""
        return int(self.number)

    def getReason(self) -> str:
        """Return why it was made."""
        return str(self._row["buildset"]["reason"])

    def getResults(self) -> int | None:
        """Return the result, None while it runs."""
        found: int | None = self._row["results"]
        return found

    def getText(self) -> list[str]:
        """Return the sentence about its state, as a list."""
        return [str(self._row["state_string"] or statusToString(self._row["results"]))]

    def getTimes(self) -> tuple[int | None, int | None]:
        """Return when it began and when it finished, in seconds since 1970."""
        return datetime2epoch(self._row["started_at"]), datetime2epoch(self._row["complete_at"])

    def isFinished(self) -> bool:
        """Return whether it has finished."""
        return bool(self._row["complete"])

    def getSlavename(self) -> str:
        """Return the name of its worker."""
        return str(self.getProperty("workername", ""))

    getWorkername = getSlavename

    def getURL(self) -> str:
        """Return the address of its page."""
        return str(self._row["url"])

    def getProperties(self) -> Properties:
        """Return its properties."""
        return Properties.fromDict(self._row.get("properties") or {})

    def getProperty(self, name: str, default: Any = None) -> Any:
        """Return a property."""
        return self.getProperties().getProperty(name, default)

    def getChanges(self) -> list[ChangeStatus]:
        """Return its changes."""
        return list(self._changes)

    def getResponsibleUsers(self) -> list[str]:
        """Return who made the changes."""
        return list(self._users)

    getInterestedUsers = getResponsibleUsers

    def getSourceStamps(self, absolute: bool = False) -> list[SourceStampStatus]:
        """Return what it was made of."""
        return [
            SourceStampStatus(
                row, [one for one in self._changes if one.codebase == row["codebase"]]
            )
            for row in self._row["buildset"]["sourcestamps"]
        ]

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
        return [StepStatus(row, self) for row in self._row.get("steps") or ()]

    def getLogs(self) -> list[LogStatus]:
        """Return the logs of all steps."""
        return [log for step in self.getSteps() for log in step.getLogs()]

    def getTestResults(self) -> dict[Any, Any]:
        """Return nothing: test results are not stored."""
        return {}

    def getPreviousBuild(self) -> BuildStatus | None:
        """Return the finished build before it, without its steps and logs."""
        row = self._row.get("prev_build")
        if row is None:
            return None
        shared = {name: self._row[name] for name in ("builder", "buildset")}
        return BuildStatus({"url": "", "properties": {}, **shared, **row})
