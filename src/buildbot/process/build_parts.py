"""What a build is of: its source stamps and changes, as users see them."""

from __future__ import annotations

from typing import Any

from buildbot._border.times import epoch2datetime
from buildbot.process.properties import Properties
from chargehand.domain.change import Change
from chargehand.domain.source_stamp import StoredSourceStamp

_OF_THE_SAME_KIND = ("codebase", "branch", "repository", "project")


class SourceStampView:
    """Which sources of one codebase the build uses."""

    def __init__(
        self, stored: StoredSourceStamp, changes: list[ChangeView], *, has_changes: bool = False
    ) -> None:
        stamp = stored.stamp
        self._has_changes = has_changes or bool(changes)
        self.ssid = stored.id
        self.changes = changes
        self.branch = stamp.branch
        self.revision = stamp.revision
        self.repository = stamp.repository
        self.project = stamp.project
        self.codebase = stamp.codebase
        patch = stamp.patch
        self.patch: tuple[Any, ...] | None = None
        self.patch_info: tuple[str, str] | None = None
        if patch is not None:
            self.patch = (patch.level, patch.body, patch.subdir)
            self.patch_info = (patch.author, patch.comment)

    def asDict(self) -> dict[str, Any]:
        """Return it as a dictionary."""
        level, body, subdir = self.patch or (None, None, None)
        author, comment = self.patch_info or (None, None)
        return {
            "branch": self.branch,
            "revision": self.revision,
            "repository": self.repository,
            "project": self.project,
            "codebase": self.codebase,
            "patch_level": level,
            "patch_body": body,
            "patch_subdir": subdir,
            "patch_author": author,
            "patch_comment": comment,
        }

    def asSSDict(self) -> dict[str, Any]:
        """Return it as a dictionary, with its identifier."""
        return {"ssid": self.ssid, **self.asDict()}

    def canBeMergedWith(self, other: SourceStampView) -> bool:
        """Return whether one build may do for both, by Buildbot's own rule.

        They must have equal codebases, branches, repositories and projects, and no patches; and
        the same revision, unless both came with changes.
        """
        if self.ssid == other.ssid:
            return True
        if any(getattr(self, name) != getattr(other, name) for name in _OF_THE_SAME_KIND):
            return False
        if self.patch or other.patch:
            return False
        if self._has_changes or other._has_changes:
            return self._has_changes and other._has_changes
        return self.revision == other.revision

    def getRepository(self) -> str:
        """Return the repository."""
        return self.repository

    def __repr__(self) -> str:
        return f"<SourceStamp {self.codebase!r} {self.branch!r} {self.revision!r}>"


class SourceStampList(list[SourceStampView]):
    """The source stamps of a build; it also has the attributes of the first one.

    So a function of a factory's ``workdir`` may be written for one source stamp or for a list.
    """

    def __getattr__(self, name: str) -> Any:
        if not self or name.startswith("_"):
            raise AttributeError(f"the build has no source stamp to ask for {name!r}")
        return getattr(self[0], name)


class ChangeView:
    """A change, as functions of configurations get it.

    Args:
        change (Any): The engine's change: configurations do not construct changes.
    """

    def __init__(self, change: Change) -> None:
        self.number = change.id
        self.sourcestampid = change.source_stamp_id
        self.who = self.author = change.author
        self.committer = change.committer
        self.files = list(change.files)
        self.comments = change.comments
        self.revision = change.revision
        self.when = int(change.when)
        self.branch = change.branch
        self.category = change.category
        self.revlink = change.revlink
        self.repository = change.repository
        self.project = change.project
        self.codebase = change.codebase
        self.trust = change.trust.value
        self.trust_reason = change.trust_reason
        self.properties = Properties()
        self.properties.properties.update(change.properties)

    def asText(self) -> str:
        """Return it as text."""
        files = "".join(f" {file}\n" for file in self.files)
        return f"Files:\n{files}Changed By: {self.who}\nComments: {self.comments}\n"

    def asDict(self) -> dict[str, Any]:
        """Return the source stamp as a dictionary, in Buildbot's old format."""
        return {
            "number": self.number,
            "branch": self.branch,
            "category": self.category,
            "who": self.who,
            "comments": self.comments,
            "revision": self.revision,
            "when": self.when,
            "at": str(epoch2datetime(self.when)),
            "files": [{"name": file} for file in self.files],
            "revlink": self.revlink,
            "properties": self.properties.asList(),
            "repository": self.repository,
            "project": self.project,
            "codebase": self.codebase,
        }

    def asChDict(self) -> dict[str, Any]:
        """Return it as the REST API has it."""
        return {
            "changeid": self.number,
            "author": self.who,
            "committer": self.committer,
            "files": self.files,
            "comments": self.comments,
            "revision": self.revision,
            "when_timestamp": self.when,
            "branch": self.branch,
            "category": self.category,
            "revlink": self.revlink,
            "properties": self.properties.asDict(),
            "repository": self.repository,
            "project": self.project,
            "codebase": self.codebase,
            "trust": self.trust,
            "trust_reason": self.trust_reason,
        }

    def __repr__(self) -> str:
        return f"<Change {self.number} {self.revision!r}>"
