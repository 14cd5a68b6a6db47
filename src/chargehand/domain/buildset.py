"""A buildset: the builds requested by one event."""

import msgspec

from chargehand.domain.identifiers import (
    BuilderId,
    BuildId,
    BuildsetId,
    ChangeId,
    MasterId,
    RequestId,
    SourceStampId,
    Timestamp,
)
from chargehand.domain.properties import Property
from chargehand.domain.result import Result
from chargehand.domain.retry import Retry
from chargehand.domain.source_stamp import SourceStamp, StoredSourceStamp
from chargehand.domain.trust import TrustLevel


class NewBuildset(msgspec.Struct, frozen=True, kw_only=True):
    """A buildset to submit; source stamps are given by value or by identifier."""

    builder_ids: tuple[BuilderId, ...]
    source_stamps: tuple[SourceStamp | SourceStampId, ...]
    reason: str
    scheduler: str
    collected_changes: tuple[ChangeId, ...] = ()
    """Changes it builds in addition to those of its source stamps (tree-stable timers)."""
    properties: dict[str, Property] = {}
    builder_properties: dict[BuilderId, dict[str, Property]] = {}
    """Properties of single builders, which override ``properties``."""
    secrets: dict[str, str] = {}
    """Secrets in ``properties``, each with what is shown instead. Its builds hide them."""
    external_id: str | None = None
    parent_build_id: BuildId | None = None
    parent_relationship: str | None = None
    rebuilt_build_id: BuildId | None = None
    waited_for: bool = False
    priority: int = 0
    trust: TrustLevel = TrustLevel.TRUSTED
    """The most that it is trusted: the store lowers it to what it knows of the sources, of the
    build that triggered it, and of the build that it repeats."""
    trust_reason: str | None = None
    judged_stamps: tuple[SourceStampId, ...] = ()
    """Source stamps of which ``trust`` takes account; the store judges the others."""
    unknown_revisions: TrustLevel | None = TrustLevel.TRUSTED
    """How far a revision is trusted that no change has brought. None: not at all, as soon as there
    are changes that are not trusted."""


class Buildset(msgspec.Struct, frozen=True, kw_only=True):
    """A stored buildset."""

    id: BuildsetId
    reason: str
    submitted_at: Timestamp
    source_stamps: tuple[StoredSourceStamp, ...]
    external_id: str | None = None
    parent_build_id: BuildId | None = None
    parent_relationship: str | None = None
    rebuilt_build_id: BuildId | None = None
    complete: bool = False
    complete_at: Timestamp | None = None
    result: Result | None = None
    trust: TrustLevel = TrustLevel.TRUSTED
    """The lowest level of everything that it builds."""
    trust_reason: str | None = None
    """Why it is not trusted more."""


class BuildRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request for one build of one builder."""

    id: RequestId
    buildset_id: BuildsetId
    builder_id: BuilderId
    submitted_at: Timestamp
    priority: int = 0
    waited_for: bool = False
    claimed_by: MasterId | None = None
    claimed_at: Timestamp | None = None
    complete: bool = False
    complete_at: Timestamp | None = None
    result: Result | None = None
    retry: Retry | None = None
    """Set when a build of it ended as RETRY because of what it did."""
    end_reason: str | None = None
    """Why it was cancelled, if it was cancelled before it had a build."""


class PendingRequest(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A waiting request, with the data for dispatching (kept in memory)."""

    request: BuildRequest
    reason: str
    source_stamp_ids: tuple[SourceStampId, ...]
    """Sorted by codebase. Equal stamps have equal identifiers."""
    sources: tuple[tuple[str, str, str, str | None], ...]
    """(codebase, repository, project, branch) of each stamp, in the same order."""
    has_patch: bool = False
    with_changes: tuple[SourceStampId, ...] = ()
    """Its source stamps that came with a change (for collapsing)."""
    properties: dict[str, Property] = {}
    waited_for_by: BuildId | None = None
    """The build that triggered it, and waits for its end."""
    trust: TrustLevel = TrustLevel.TRUSTED
    """How far its sources are trusted."""


class SubmittedBuildset(msgspec.Struct, frozen=True, kw_only=True):
    """A new buildset, as stored."""

    buildset: Buildset
    requests: tuple[PendingRequest, ...]

    @property
    def numbers(self) -> tuple[int, dict[int, int]]:
        """The identifiers of the buildset, and of its requests by builder."""
        requests = (pending.request for pending in self.requests)
        return self.buildset.id, {request.builder_id: request.id for request in requests}
