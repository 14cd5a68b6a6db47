"""What statuses of commits have in common, whichever service shows them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from buildbot.process.properties import Properties
from buildbot.util.giturlparse import giturlparse

Row = dict[str, Any]


class Commit(msgspec.Struct, frozen=True, kw_only=True):
    """A commit that a build was made of."""

    owner: str
    repository: str
    revision: str
    branch: str | None

    @property
    def pull_request(self) -> str | None:
        """The number of the pull request whose branch it is on; None for other branches."""
        parts = (self.branch or "").split("/")
        is_one = parts[:2] == ["refs", "pull"] and len(parts) > 2
        return parts[2] if is_one else None


def properties_of(build: Row, master: Any) -> Properties:
    """Return the properties of a build, to render with."""
    found = Properties.fromDict(build.get("properties") or {})
    found.master = master
    found.sourcestamps = build["buildset"]["sourcestamps"]
    return found


def commits_of(stamps: Sequence[Row], properties: Properties) -> Iterator[Commit]:
    """Yield the commits of a build whose repository and revision are known."""
    for stamp in stamps:
        place = _place(stamp)
        revision = _revision(stamp, properties)
        if place is not None and revision:
            yield Commit(
                owner=place[0], repository=place[1], revision=revision, branch=stamp["branch"]
            )


def _place(stamp: Row) -> tuple[str, str] | None:
    """Return the owner and the name of a repository."""
    project = stamp["project"] or ""
    if "/" in project:
        owner, _, name = project.rpartition("/")
        return owner, name
    found = giturlparse(stamp["repository"] or "")
    return None if found is None or not found.owner else (found.owner, found.repo)


def _revision(stamp: Row, properties: Properties) -> str | None:
    """Return what was built: of a pull request its head, as its merge has no status of its own."""
    if (stamp["branch"] or "").startswith("refs/pull/"):
        head = properties.getProperty("github.head.sha")
        if head:
            return str(head)
    got = properties.getProperty("got_revision")
    if isinstance(got, Mapping):
        got = got.get(stamp["codebase"])
    found = got or stamp["revision"]
    return str(found) if found else None
