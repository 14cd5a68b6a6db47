"""Submitting a buildset: its source stamps, itself, and all its requests in one transaction."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import structs
from sqlalchemy import insert

from chargehand.domain.buildset import BuildRequest, Buildset, NewBuildset, PendingRequest
from chargehand.domain.buildset import SubmittedBuildset as Submitted
from chargehand.domain.canonical import canonical_properties
from chargehand.domain.identifiers import BuildsetId, RequestId
from chargehand.domain.properties import merged
from chargehand.domain.source_stamp import SourceStamp
from chargehand.domain.trust import Judgement
from chargehand.events.messages import BuildsetSubmitted, RequestSubmitted
from chargehand.kit.redaction import Redaction
from chargehand.store import source_stamps
from chargehand.store.buildset_completion import complete_if_done
from chargehand.store.engine.columns import as_json
from chargehand.store.engine.portable import inserted_id, inserted_ids
from chargehand.store.engine.tables import (
    buildset_changes,
    buildset_source_stamps,
    buildsets,
    requests,
)
from chargehand.store.engine.transaction import Transaction
from chargehand.store.source_stamps import Found
from chargehand.store.trust import judged

_INSERT_BUILDSET = insert(buildsets)
_INSERT_STAMPS = insert(buildset_source_stamps)
_INSERT_CHANGES = insert(buildset_changes)
_INSERT_REQUEST = insert(requests)
_INSERT_REQUESTS = _INSERT_REQUEST.returning(requests.c.id, sort_by_parameter_order=True)


def canonical_buildset(new: NewBuildset) -> NewBuildset:
    """Return *new* with its properties in canonical form. Raises NotStorable."""
    return structs.replace(
        new,
        properties=canonical_properties(new.properties),
        builder_properties={
            builder_id: canonical_properties(properties)
            for builder_id, properties in new.builder_properties.items()
        },
    )


def submit(transaction: Transaction, new: NewBuildset) -> Submitted:
    """Store *new*; announce the buildset, then each request.

    A buildset without builders is complete at once. Raises LookupError for an unknown stamp.
    """
    stamps = _resolved(transaction, new)
    trust = judged(transaction.connection, new, [one.stored for one in stamps])
    buildset = _insert_buildset(transaction, new, stamps, trust)
    transaction.announce(BuildsetSubmitted(buildset=buildset, scheduler=new.scheduler))
    pending = _insert_requests(transaction, new, buildset, stamps)
    for one in pending:
        transaction.announce(RequestSubmitted(pending=one))
    if not pending:
        complete_if_done(transaction, [buildset.id])
    return Submitted(buildset=buildset, requests=pending)


def _resolved(transaction: Transaction, new: NewBuildset) -> list[Found]:
    given = [stamp for stamp in new.source_stamps if isinstance(stamp, SourceStamp)]
    ids = [stamp for stamp in new.source_stamps if not isinstance(stamp, SourceStamp)]
    found = source_stamps.find_or_add(transaction, given)
    if ids:
        found.extend(source_stamps.by_ids(transaction.connection, ids).values())
    unique = {one.stored.id: one for one in found}
    return sorted(unique.values(), key=lambda one: one.stored.stamp.codebase)


def _insert_buildset(
    transaction: Transaction, new: NewBuildset, stamps: Sequence[Found], trust: Judgement
) -> Buildset:
    row = {
        "external_id": new.external_id,
        "reason": new.reason,
        "scheduler": new.scheduler,
        "submitted_at": transaction.now,
        "complete": False,
        "parent_build_id": new.parent_build_id,
        "parent_relationship": new.parent_relationship,
        "rebuilt_build_id": new.rebuilt_build_id,
        "trust": trust.level.value,
        "trust_reason": trust.reason,
        **_properties(new),
    }
    connection = transaction.connection
    id_ = BuildsetId(inserted_id(connection, _INSERT_BUILDSET, row))
    if stamps:
        rows = [{"buildset_id": id_, "source_stamp_id": one.stored.id} for one in stamps]
        connection.execute(_INSERT_STAMPS, rows)
    if new.collected_changes:
        collected = [{"buildset_id": id_, "change_id": one} for one in new.collected_changes]
        connection.execute(_INSERT_CHANGES, collected)
    return Buildset(
        id=id_,
        reason=new.reason,
        submitted_at=transaction.now,
        source_stamps=tuple(one.stored for one in stamps),
        external_id=new.external_id,
        parent_build_id=new.parent_build_id,
        parent_relationship=new.parent_relationship,
        rebuilt_build_id=new.rebuilt_build_id,
        trust=trust.level,
        trust_reason=trust.reason,
    )


def _properties(new: NewBuildset) -> dict[str, str | None]:
    """Return the columns: secrets are not in what is shown."""
    written = as_json(new.properties)
    if not new.secrets:
        return {"properties": written, "raw_properties": None, "secrets": None}
    redaction = Redaction()
    for secret, shown in new.secrets.items():
        redaction.hide(secret, shown)
    return {
        "properties": as_json(redaction.value(new.properties)),
        "raw_properties": written,
        "secrets": as_json(new.secrets),
    }


def _insert_requests(
    transaction: Transaction, new: NewBuildset, buildset: Buildset, stamps: Sequence[Found]
) -> tuple[PendingRequest, ...]:
    if not new.builder_ids:
        return ()
    own = new.builder_properties
    rows = [
        {
            "buildset_id": buildset.id,
            "builder_id": builder_id,
            "priority": new.priority,
            "submitted_at": transaction.now,
            "waited_for": new.waited_for,
            "claimed": False,
            "complete": False,
            "properties": as_json(own[builder_id]) if own.get(builder_id) else None,
        }
        for builder_id in new.builder_ids
    ]
    ids = inserted_ids(transaction.connection, _INSERT_REQUEST, _INSERT_REQUESTS, rows)
    stamp_ids = tuple(one.stored.id for one in stamps)
    sources = tuple(_source_of(one) for one in stamps)
    has_patch = any(one.stored.stamp.patch is not None for one in stamps)
    with_changes = tuple(one.stored.id for one in stamps if one.has_changes)
    return tuple(
        PendingRequest(
            request=BuildRequest(
                id=RequestId(id_),
                buildset_id=buildset.id,
                builder_id=builder_id,
                submitted_at=transaction.now,
                priority=new.priority,
                waited_for=new.waited_for,
            ),
            reason=new.reason,
            source_stamp_ids=stamp_ids,
            sources=sources,
            has_patch=has_patch,
            with_changes=with_changes,
            properties=merged(new.properties, own.get(builder_id, {})),
            waited_for_by=new.parent_build_id if new.waited_for else None,
            trust=buildset.trust,
        )
        for id_, builder_id in zip(ids, new.builder_ids, strict=True)
    )


def _source_of(found: Found) -> tuple[str, str, str, str | None]:
    stamp = found.stored.stamp
    return (stamp.codebase, stamp.repository, stamp.project, stamp.branch)
