"""A buildset: the builds that one event asked for, together."""

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


class NewBuildset(msgspec.Struct, frozen=True, kw_only=True):
    """What a scheduler submits; source stamps are given whole or by identifier."""

    builder_ids: tuple[BuilderId, ...]
    source_stamps: tuple[SourceStamp | SourceStampId, ...]
    reason: str
    scheduler: str
    collected_changes: tuple[ChangeId, ...] = ()
    """Changes that it builds besides those of its source stamps (a tree-stable timer's)."""
    properties: dict[str, Property] = {}
    builder_properties: dict[BuilderId, dict[str, Property]] = {}
    """Properties of single builders; they win over ``properties``."""
    external_id: str | None = None
    parent_build_id: BuildId | None = None
    parent_relationship: str | None = None
    rebuilt_build_id: BuildId | None = None
    waited_for: bool = False
    priority: int = 0


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


class BuildRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A wish for one build on one builder."""

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


class PendingRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request that waits, with what is needed to decide about it (kept in memory)."""

    request: BuildRequest
    reason: str
    source_stamp_ids: tuple[SourceStampId, ...]
    """Sorted by codebase. Equal stamps have equal identifiers."""
    sources: tuple[tuple[str, str, str, str | None], ...]
    """(codebase, repository, project, branch) of each stamp, in the same order."""
    has_patch: bool = False
    with_changes: tuple[SourceStampId, ...] = ()
    """Those of its source stamps that came with a change (collapsing looks at each)."""
    properties: dict[str, Property] = {}


class SubmittedBuildset(msgspec.Struct, frozen=True, kw_only=True):
    """What the store made of a new buildset."""

    buildset: Buildset
    requests: tuple[PendingRequest, ...]

    @property
    def numbers(self) -> tuple[int, dict[int, int]]:
        """The buildset's identifier, and those of its requests by builder."""
        requests = (pending.request for pending in self.requests)
        return self.buildset.id, {request.builder_id: request.id for request in requests}
