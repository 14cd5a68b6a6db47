"""Values as the REST API shows them: one pure function for each kind of resource."""

from __future__ import annotations

from typing import Any

from chargehand.domain.build import Build, Log, Step
from chargehand.domain.buildset import BuildRequest, Buildset
from chargehand.domain.change import Change
from chargehand.domain.identifiers import Timestamp
from chargehand.domain.properties import PropertyMap
from chargehand.domain.result import Result
from chargehand.domain.source_stamp import Patch, SourceStamp, StoredSourceStamp
from chargehand.domain.worker import Worker

Resource = dict[str, Any]

NO_RESULT = -1
"""What buildsets and requests that are not complete have as their result."""


def change_resource(change: Change, stamped_at: Timestamp | None = None) -> Resource:
    """Return a ``change``; its source stamp is older than the change where it was there before."""
    stamp = StoredSourceStamp(
        id=change.source_stamp_id,
        created_at=change.when if stamped_at is None else stamped_at,
        stamp=SourceStamp(
            branch=change.branch,
            revision=change.revision,
            repository=change.repository,
            project=change.project,
            codebase=change.codebase,
        ),
    )
    return {
        "changeid": change.id,
        "parent_changeids": list(change.parent_ids),
        "author": change.author,
        "committer": change.committer,
        "files": list(change.files),
        "comments": change.comments,
        "revision": change.revision,
        "when_timestamp": int(change.when),
        "branch": change.branch,
        "category": change.category,
        "revlink": change.revlink,
        "properties": properties_resource(change.properties),
        "repository": change.repository,
        "project": change.project,
        "codebase": change.codebase,
        "sourcestamp": source_stamp_resource(stamp),
    }


def source_stamp_resource(stored: StoredSourceStamp) -> Resource:
    """Return a ``sourcestamp``."""
    stamp = stored.stamp
    return {
        "ssid": stored.id,
        "revision": stamp.revision,
        "branch": stamp.branch,
        "repository": stamp.repository,
        "project": stamp.project,
        "codebase": stamp.codebase,
        "patch": stamp.patch and patch_resource(stamp.patch),
        "created_at": int(stored.created_at),
    }


def patch_resource(patch: Patch) -> Resource:
    """Return a ``patch``."""
    return {
        "patchid": patch.id,
        "body": patch.body.decode(errors="replace"),
        "level": patch.level,
        "subdir": patch.subdir,
        "author": patch.author,
        "comment": patch.comment,
    }


def buildset_resource(buildset: Buildset) -> Resource:
    """Return a ``buildset``."""
    return {
        "bsid": buildset.id,
        "external_idstring": buildset.external_id,
        "reason": buildset.reason,
        "rebuilt_buildid": buildset.rebuilt_build_id,
        "submitted_at": int(buildset.submitted_at),
        "complete": buildset.complete,
        "complete_at": _seconds(buildset.complete_at),
        "results": _number(buildset.result, NO_RESULT),
        "sourcestamps": [source_stamp_resource(stamp) for stamp in buildset.source_stamps],
        "parent_buildid": buildset.parent_build_id,
        "parent_relationship": buildset.parent_relationship,
    }


def request_resource(request: BuildRequest) -> Resource:
    """Return a ``buildrequest``, without its properties."""
    return {
        "buildrequestid": request.id,
        "buildsetid": request.buildset_id,
        "builderid": request.builder_id,
        "priority": request.priority,
        "claimed": request.complete or request.claimed_by is not None,
        "claimed_at": _seconds(request.claimed_at),
        "claimed_by_masterid": request.claimed_by,
        "complete": request.complete,
        "results": _number(request.result, NO_RESULT),
        "submitted_at": int(request.submitted_at),
        "complete_at": _seconds(request.complete_at),
        "waited_for": request.waited_for,
        "properties": None,
    }


def build_resource(build: Build) -> Resource:
    """Return a ``build``, without its properties."""
    return {
        "buildid": build.id,
        "number": build.number,
        "builderid": build.builder_id,
        "buildrequestid": build.request_id,
        "workerid": build.worker_id,
        "masterid": build.master_id,
        "started_at": int(build.started_at),
        "complete": build.complete,
        "complete_at": _seconds(build.complete_at),
        "locks_duration_s": int(build.locks_duration),
        "results": _number(build.result),
        "state_string": build.state,
        "properties": {},
    }


def step_resource(step: Step) -> Resource:
    """Return a ``step``."""
    return {
        "stepid": step.id,
        "number": step.number,
        "name": step.name,
        "buildid": step.build_id,
        "started_at": _seconds(step.started_at),
        "locks_acquired_at": _seconds(step.locks_acquired_at),
        "complete": step.complete,
        "complete_at": _seconds(step.complete_at),
        "results": _number(step.result),
        "state_string": step.state,
        "urls": [{"name": link.name, "url": link.url} for link in step.urls],
        "hidden": step.hidden,
    }


def log_resource(log: Log) -> Resource:
    """Return a ``log``."""
    return {
        "logid": log.id,
        "name": log.name,
        "slug": log.slug,
        "stepid": log.step_id,
        "complete": log.complete,
        "num_lines": log.line_count,
        "type": log.type.value,
    }


def worker_resource(worker: Worker) -> Resource:
    """Return a ``worker``."""
    return {
        "workerid": worker.id,
        "name": worker.name,
        "connected_to": [{"masterid": master} for master in worker.connected_to],
        "configured_on": [
            {"masterid": master, "builderid": builder} for master, builder in worker.configured_on
        ],
        "workerinfo": worker.info,
        "paused": worker.paused,
        "pause_reason": worker.pause_reason,
        "graceful": worker.graceful,
    }


def properties_resource(properties: PropertyMap) -> Resource:
    """Return ``sourcedproperties``: ``{name: [value, source]}``."""
    return {name: [value, source] for name, (value, source) in properties.items()}


def _seconds(timestamp: Timestamp | None) -> int | None:
    return None if timestamp is None else int(timestamp)


def _number(result: Result | None, otherwise: int | None = None) -> int | None:
    return otherwise if result is None else int(result)
