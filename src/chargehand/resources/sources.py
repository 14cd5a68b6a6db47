"""Changes, source stamps, buildsets, requests."""

from typing import Never

from chargehand.domain.buildset import BuildRequest, Buildset
from chargehand.domain.change import Change
from chargehand.domain.result import Result
from chargehand.domain.source_stamp import Patch, SourceStamp, StoredSourceStamp
from chargehand.events import messages
from chargehand.resources.announcement_rules import announces
from chargehand.resources.builds import BUILD_PATHS
from chargehand.resources.entity import Entity, Parameter
from chargehand.resources.field import (
    BINARY,
    BOOLEAN,
    DATETIME,
    INTEGER,
    JSON,
    PROPERTIES,
    STRING,
    Fields,
    FieldType,
    Resource,
    list_of,
    made,
    sourced,
)

NO_RESULT = -1
"""The result of incomplete buildsets and requests."""


def _number(result: Result | None) -> int:
    return NO_RESULT if result is None else int(result)


_patch = Fields(Patch)
# Every stored patch has one.
_PATCH_ID: FieldType[int | None] = INTEGER

PATCH = Entity(
    plural="patches",
    singular="patch",
    table="patches",
    fields=(
        _patch.column("patchid", _PATCH_ID, "id", lambda patch: patch.id),
        _patch.text("body", BINARY, "body", lambda patch: patch.body),
        _patch.column("level", INTEGER, "level", lambda patch: patch.level),
        _patch.column("subdir", STRING, "subdir", lambda patch: patch.subdir),
        _patch.column("author", STRING, "author", lambda patch: patch.author),
        _patch.column("comment", STRING, "comment", lambda patch: patch.comment),
    ),
)

_stamp = Fields(StoredSourceStamp)

SOURCE_STAMP = Entity(
    plural="sourcestamps",
    singular="sourcestamp",
    table="source_stamps",
    fields=(
        _stamp.column("ssid", INTEGER, "id", lambda stored: stored.id),
        _stamp.column("revision", STRING.or_none, "revision", lambda stored: stored.stamp.revision),
        _stamp.column("branch", STRING.or_none, "branch", lambda stored: stored.stamp.branch),
        _stamp.column("repository", STRING, "repository", lambda stored: stored.stamp.repository),
        _stamp.column("project", STRING, "project", lambda stored: stored.stamp.project),
        _stamp.column("codebase", STRING, "codebase", lambda stored: stored.stamp.codebase),
        _stamp.related(
            "patch",
            PATCH.type().or_none,
            lambda stored: stored.stamp.patch and PATCH.shown(stored.stamp.patch),
        ),
        _stamp.seconds("created_at", DATETIME, "created_at", lambda stored: stored.created_at),
    ),
    collections=("buildsets/n:buildsetid/sourcestamps", "sourcestamps"),
    singles=("sourcestamps/n:ssid",),
)

_change = Fields(Change)
_COMMITTER: FieldType[str | None] = FieldType(STRING.word, may_be_null=True)


def _stamp_of(change: Change) -> StoredSourceStamp:
    """Return the change's source stamp; an existing stamp may be older than shown."""
    stamp = SourceStamp(
        branch=change.branch,
        revision=change.revision,
        repository=change.repository,
        project=change.project,
        codebase=change.codebase,
    )
    return StoredSourceStamp(id=change.source_stamp_id, created_at=change.when, stamp=stamp)


CHANGE = Entity(
    plural="changes",
    singular="change",
    table="changes",
    fields=(
        _change.column("changeid", INTEGER, "id", lambda change: change.id),
        _change.related(
            "parent_changeids", list_of(INTEGER), lambda change: list(change.parent_ids)
        ),
        _change.column("author", STRING, "author", lambda change: change.author),
        _change.column("committer", _COMMITTER, "committer", lambda change: change.committer),
        _change.json("files", list_of(STRING), "files", lambda change: list(change.files)),
        _change.column("comments", STRING, "comments", lambda change: change.comments),
        _change.column("revision", STRING.or_none, "revision", lambda change: change.revision),
        _change.seconds("when_timestamp", INTEGER, "when_timestamp", lambda change: change.when),
        _change.column("branch", STRING.or_none, "branch", lambda change: change.branch),
        _change.column("category", STRING.or_none, "category", lambda change: change.category),
        _change.column("revlink", STRING.or_none, "revlink", lambda change: change.revlink),
        _change.json(
            "properties", PROPERTIES, "properties", lambda change: sourced(change.properties)
        ),
        _change.column("repository", STRING, "repository", lambda change: change.repository),
        _change.column("project", STRING, "project", lambda change: change.project),
        _change.column("codebase", STRING, "codebase", lambda change: change.codebase),
        _change.column("trust", STRING, "trust", lambda change: change.trust.value),
        _change.column(
            "trust_reason", STRING.or_none, "trust_reason", lambda change: change.trust_reason
        ),
        _change.related(
            "sourcestamp",
            SOURCE_STAMP.type(),
            lambda change: SOURCE_STAMP.shown(_stamp_of(change)),
        ),
    ),
    collections=(
        *(f"{build}/changes" for build in BUILD_PATHS),
        "changes",
        "sourcestamps/n:ssid/changes",
    ),
    singles=("changes/n:changeid",),
    event_keys={"changes": lambda change: (str(change.id),)},
)

_buildset = Fields(Buildset)

BUILDSET = Entity(
    plural="buildsets",
    singular="buildset",
    table="buildsets",
    fields=(
        _buildset.column("bsid", INTEGER, "id", lambda buildset: buildset.id),
        _buildset.column(
            "external_idstring",
            STRING.or_none,
            "external_id",
            lambda buildset: buildset.external_id,
        ),
        _buildset.column("reason", STRING, "reason", lambda buildset: buildset.reason),
        _buildset.column(
            "rebuilt_buildid",
            INTEGER.or_none,
            "rebuilt_build_id",
            lambda buildset: buildset.rebuilt_build_id,
        ),
        _buildset.seconds(
            "submitted_at", INTEGER, "submitted_at", lambda buildset: buildset.submitted_at
        ),
        _buildset.column("complete", BOOLEAN, "complete", lambda buildset: buildset.complete),
        _buildset.seconds_or_none(
            "complete_at", INTEGER, "complete_at", lambda buildset: buildset.complete_at
        ),
        _buildset.column(
            "results",
            INTEGER.or_none,
            "result",
            lambda buildset: _number(buildset.result),
            missing=NO_RESULT,
        ),
        _buildset.related(
            "sourcestamps",
            list_of(SOURCE_STAMP.type()),
            lambda buildset: [SOURCE_STAMP.shown(stamp) for stamp in buildset.source_stamps],
        ),
        _buildset.column(
            "parent_buildid",
            INTEGER.or_none,
            "parent_build_id",
            lambda buildset: buildset.parent_build_id,
        ),
        _buildset.column(
            "parent_relationship",
            STRING.or_none,
            "parent_relationship",
            lambda buildset: buildset.parent_relationship,
        ),
        _buildset.column("trust", STRING, "trust", lambda buildset: buildset.trust.value),
        _buildset.column(
            "trust_reason",
            STRING.or_none,
            "trust_reason",
            lambda buildset: buildset.trust_reason,
        ),
    ),
    collections=("buildsets",),
    singles=("buildsets/n:bsid",),
    placeholders={"buildsetid": "bsid"},
    event_keys={"buildsets": lambda buildset: (str(buildset.id),)},
)

_request = Fields(BuildRequest)

REQUEST = Entity(
    plural="buildrequests",
    singular="buildrequest",
    table="build_requests",
    fields=(
        _request.column("buildrequestid", INTEGER, "id", lambda request: request.id),
        _request.column("buildsetid", INTEGER, "buildset_id", lambda request: request.buildset_id),
        _request.column("builderid", INTEGER, "builder_id", lambda request: request.builder_id),
        _request.column("priority", INTEGER, "priority", lambda request: request.priority),
        _request.column(
            "claimed",
            BOOLEAN,
            "claimed",
            lambda request: request.complete or request.claimed_by is not None,
        ),
        _request.seconds_or_none(
            "claimed_at", DATETIME, "claimed_at", lambda request: request.claimed_at
        ),
        _request.column(
            "claimed_by_masterid",
            INTEGER.or_none,
            "claimed_by",
            lambda request: request.claimed_by,
        ),
        _request.column("complete", BOOLEAN, "complete", lambda request: request.complete),
        _request.column(
            "results",
            INTEGER.or_none,
            "result",
            lambda request: _number(request.result),
            missing=NO_RESULT,
        ),
        _request.seconds(
            "submitted_at", DATETIME, "submitted_at", lambda request: request.submitted_at
        ),
        _request.seconds_or_none(
            "complete_at", DATETIME, "complete_at", lambda request: request.complete_at
        ),
        _request.column(
            "end_reason", STRING.or_none, "end_reason", lambda request: request.end_reason
        ),
        _request.column("waited_for", BOOLEAN, "waited_for", lambda request: request.waited_for),
        # Shown only on request, like a build's.
        _request.related("properties", PROPERTIES.or_none, lambda _: None),
    ),
    collections=("builders/n:builderid/buildrequests", "buildrequests"),
    singles=("buildrequests/n:buildrequestid",),
    event_keys={
        "buildrequests": lambda request: (str(request.id),),
        "builders": lambda request: (str(request.builder_id), "buildrequests", str(request.id)),
        "buildsets": lambda request: (
            *(str(request.buildset_id), "builders", str(request.builder_id)),
            *("buildrequests", str(request.id)),
        ),
    },
)

WHY = Entity(
    plural="why",
    singular="why",
    fields=(made("kind", STRING), made("sentence", STRING), made("details", JSON)),
    collections=(
        "buildrequests/n:buildrequestid/why",
        "changes/n:changeid/why",
        *(f"{build}/why" for build in BUILD_PATHS),
    ),
    placeholders={"build_number": "number"},
)

_WAITING_BUILDER: FieldType[Resource] = FieldType(
    "waiting_builder", members=(("builderid", INTEGER), ("name", STRING), ("count", INTEGER))
)

WAITING_GROUP = Entity(
    plural="waiting_groups",
    singular="waiting_group",
    key="why",
    fields=(
        *WHY.fields,
        made("reason", STRING),
        made("group", STRING),
        made("count", INTEGER),
        made("oldest_submitted_at", DATETIME),
        made("builders", list_of(_WAITING_BUILDER)),
        made("buildrequestids", list_of(INTEGER)),
    ),
    collections=("buildrequests/why",),
    more_parameters=(Parameter("builderid", INTEGER, "only requests of this builder"),),
    is_at_root=False,
)

ENTITIES: tuple[Entity[Never], ...] = (
    BUILDSET,
    CHANGE,
    REQUEST,
    SOURCE_STAMP,
    WAITING_GROUP,
    WHY,
)

ANNOUNCEMENT_RULES = (
    announces(CHANGE, messages.ChangeAdded, "new", lambda event: event.change),
    announces(
        BUILDSET,
        messages.BuildsetSubmitted,
        "new",
        lambda event: event.buildset,
        lambda event: {"scheduler": event.scheduler, "results": None},  # As in Buildbot.
    ),
    announces(BUILDSET, messages.BuildsetCompleted, "complete", lambda event: event.buildset),
    announces(REQUEST, messages.RequestSubmitted, "new", lambda event: event.pending.request),
    announces(REQUEST, messages.RequestClaimed, "claimed", lambda event: event.request),
    announces(REQUEST, messages.RequestUnclaimed, "unclaimed", lambda event: event.pending.request),
    announces(REQUEST, messages.RequestUpdated, "update", lambda event: event.request),
    announces(REQUEST, messages.RequestCancelled, "cancel", lambda event: event.request),
    announces(REQUEST, messages.RequestCompleted, "complete", lambda event: event.request),
)
"""Events of these resources."""
