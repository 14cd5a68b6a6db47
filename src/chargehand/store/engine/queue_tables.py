"""Tables of what is to be built: buildsets and their requests, with indexes for the queue."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, Table, and_, false, true

from chargehand.store.engine.columns import CleanText, Id, Json, Name, Time
from chargehand.store.engine.definitions import (
    flag,
    identity,
    metadata,
    only_where,
    reference,
    text,
)

buildsets = Table(
    "buildsets",
    metadata,
    identity(),
    Column("external_id", CleanText),
    text("reason"),
    text("scheduler"),
    Column("submitted_at", Time, nullable=False),
    flag("complete"),
    Column("complete_at", Time),
    Column("result", Integer),
    # The builds named here may have been pruned since: no foreign keys.
    Column("parent_build_id", Id, index=True),
    Column("parent_relationship", CleanText),
    Column("rebuilt_build_id", Id, index=True),
    # As they are shown. Builds get the others, if the shown ones lack secrets.
    Column("properties", Json, nullable=False),
    Column("raw_properties", Json),
    Column("secrets", Json),
    # A TrustLevel: the lowest one of everything that it builds.
    Column("trust", Name, nullable=False, server_default="trusted"),
    Column("trust_reason", CleanText),
    Index("buildsets_by_submission", "submitted_at"),
)

buildset_source_stamps = Table(
    "buildset_source_stamps",
    metadata,
    reference("buildset_id", "buildsets", primary_key=True),
    reference("source_stamp_id", "source_stamps", primary_key=True, index=True),
)

# What a buildset builds besides the changes of its source stamps: a tree-stable timer's others.
buildset_changes = Table(
    "buildset_changes",
    metadata,
    reference("buildset_id", "buildsets", primary_key=True),
    reference("change_id", "changes", primary_key=True, index=True),
)

requests = Table(
    "build_requests",
    metadata,
    identity(),
    reference("buildset_id", "buildsets"),
    reference("builder_id", "builders"),
    Column("priority", Integer, nullable=False),
    Column("submitted_at", Time, nullable=False),
    flag("waited_for"),
    # A request that was completed without a build counts as claimed, by nobody.
    flag("claimed"),
    Column("claimed_by", Id, ForeignKey("masters.id", ondelete="SET NULL")),
    Column("claimed_at", Time),
    flag("complete"),
    Column("complete_at", Time),
    Column("result", Integer),
    Column("properties", Json),
    Column("claimed_epoch", Integer),
    Column("retry", Json),
    Column("end_reason", CleanText),
    Index("requests_by_buildset", "buildset_id", "complete"),
    Index("requests_by_builder", "builder_id", "id"),
    Index("requests_by_submission", "submitted_at"),
)
_claimed = and_(requests.c.claimed == true(), requests.c.complete == false())
Index(
    "requests_claimed",
    requests.c.claimed_by,
    info=only_where(_claimed),
)
_waits = requests.c.claimed == false()
Index(
    "requests_waiting",
    requests.c.claimed,
    requests.c.builder_id,
    requests.c.id,
    info=only_where(_waits),
)
# What waits, most urgent first: the list of pending requests, however long the queue.
Index(
    "requests_by_priority",
    requests.c.priority,
    requests.c.submitted_at,
    info=only_where(_waits),
)
_unfinished = requests.c.complete == false()
# What is not finished, by number: without the column in front, SQLite looks at all requests.
Index(
    "requests_incomplete",
    requests.c.complete,
    requests.c.id,
    info=only_where(_unfinished),
)
