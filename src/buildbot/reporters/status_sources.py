"""Changes and source stamps as status receivers of Buildbot 0.8 see them."""

from __future__ import annotations

from collections.abc import Sequence

from buildbot.process.properties import Properties
from buildbot.reporters.status_reading import Row, moment


class SourceStampStatus:
    """What a build was made of, of one codebase."""

    def __init__(self, row: Row, changes: Sequence[ChangeStatus]) -> None:
        self.ssid = row["ssid"]
        self.branch = row["branch"]
        self.revision = row["revision"]
        self.repository = row["repository"]
        self.project = row["project"]
        self.codebase = row["codebase"]
        self.patch = row.get("patch")
        self.changes = tuple(changes)

    def asDict(self) -> Row:
        """Return it as a dictionary."""
        return {**vars(self), "changes": [one.asDict() for one in self.changes]}


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
        self.when = moment(row["when_timestamp"])
        self.properties = Properties.fromDict(row.get("properties") or {})

    def asDict(self) -> Row:
        """Return it as a dictionary."""
        properties = [(name, *pair) for name, pair in self.properties.properties.items()]
        return {**vars(self), "properties": properties}

    def getShortAuthor(self) -> str:
        """Return the author."""
        return str(self.who)

    def getFileContents(self) -> str:
        """Return the files, one in a line."""
        return "\n".join(self.files)

    def getTimes(self) -> tuple[float | None, None]:
        """Return when it was made, in seconds since 1970."""
        return self.when, None

    def getText(self) -> list[str]:
        """Return the comments, as a list."""
        return [str(self.comments)]
