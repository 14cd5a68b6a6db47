"""Build requests, as users' functions see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from buildbot._border.bridge import inward, outward
from buildbot._border.finder import old_names_of
from buildbot._border.times import epoch2datetime
from buildbot.process.build_parts import SourceStampView
from buildbot.process.collapsing import may_be_collapsed
from buildbot.process.properties import Properties
from chargehand.domain.buildset import PendingRequest
from chargehand.domain.identifiers import SourceStampId
from chargehand.domain.source_stamp import StoredSourceStamp
from chargehand.execution.ports import BuildFacts
from chargehand.resources.sources import REQUEST


def requests_of(facts: BuildFacts, master: Any) -> list[BuildRequest]:
    """Return the requests that a build fulfils."""
    sources = facts.sources
    changed = {change.source_stamp_id for change in sources.changes}
    numbers = tuple(stored.id for stored in sources.stamps)
    return [
        BuildRequest(
            PendingRequest(
                request=request,
                reason=sources.buildset.reason,
                source_stamp_ids=numbers,
                sources=(),
                with_changes=tuple(number for number in numbers if number in changed),
                properties=sources.properties,
            ),
            facts.builder_name,
            {stored.id: stored for stored in sources.stamps},
            master,
        )
        for request in facts.requests
    ]


class BuildRequest:
    """A request that waits, or that a build fulfils."""

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
        self.submittedAt = int(request.submitted_at)
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
        changed = self.pending.with_changes
        return {
            stored.stamp.codebase: SourceStampView(stored, [], has_changes=stored.id in changed)
            for stored in stamps
        }

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


def as_row(pending: PendingRequest) -> dict[str, Any]:
    """Return a request as the REST API has it (``collapseRequests`` gets such)."""
    row = REQUEST.with_moments(REQUEST.shown(pending.request), epoch2datetime)
    return row | {"properties": dict(pending.properties)}


__getattr__ = old_names_of(__name__)
