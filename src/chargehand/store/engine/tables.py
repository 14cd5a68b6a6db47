"""The schema: all tables and indexes, each index with the query that it serves."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    Table,
    false,
    literal_column,
)

from chargehand.store.engine.columns import Blob, CleanText, Id, Json, Name, Time
from chargehand.store.engine.definitions import (
    epoch,
    flag,
    identity,
    lengths,
    only_where,
    reference,
    text,
)
from chargehand.store.engine.definitions import metadata as metadata
from chargehand.store.engine.queue_tables import buildset_changes as buildset_changes
from chargehand.store.engine.queue_tables import (
    buildset_source_stamps as buildset_source_stamps,
)
from chargehand.store.engine.queue_tables import buildsets as buildsets
from chargehand.store.engine.queue_tables import requests as requests
from chargehand.store.engine.record_tables import branches as branches
from chargehand.store.engine.record_tables import codebases as codebases
from chargehand.store.engine.record_tables import commits as commits
from chargehand.store.engine.record_tables import test_result_sets as test_result_sets
from chargehand.store.engine.record_tables import test_results as test_results

masters = Table(
    "masters",
    metadata,
    identity(),
    Column("name", Name, nullable=False, unique=True),
    flag("active"),
    Column("last_active", Time, nullable=False),
    # Raised whenever what the master has claimed so far is its own no longer.
    epoch(),
)

projects = Table(
    "projects",
    metadata,
    identity(),
    Column("name", Name, nullable=False, unique=True),
    Column("slug", CleanText, nullable=False),
    Column("description", CleanText),
    Column("description_format", CleanText),
    Column("description_html", CleanText),
    flag("active"),
)

builders = Table(
    "builders",
    metadata,
    identity(),
    Column("name", Name, nullable=False, unique=True),
    Column("description", CleanText),
    Column("description_format", CleanText),
    Column("description_html", CleanText),
    reference("project_id", "projects", nullable=True, index=True),
    Column("tags", Json, nullable=False),
)

builder_masters = Table(
    "builder_masters",
    metadata,
    reference("builder_id", "builders", primary_key=True),
    reference("master_id", "masters", primary_key=True, index=True),
)

workers = Table(
    "workers",
    metadata,
    identity(),
    Column("name", Name, nullable=False, unique=True),
    Column("info", Json, nullable=False),
    flag("paused"),
    Column("pause_reason", CleanText),
    flag("graceful"),
    Column("paused_by", CleanText),
    Column("paused_at", Time),
    Column("stop_reason", CleanText),
    Column("stopped_by", CleanText),
    Column("stopped_at", Time),
    Column("disconnected_at", Time),
    Column("connected_at", Time),
    Column("protocol", CleanText),
    Column("lost_at", Time),
    Column("lost_reason", CleanText),
)

connected_workers = Table(
    "connected_workers",
    metadata,
    reference("worker_id", "workers", primary_key=True),
    reference("master_id", "masters", primary_key=True, index=True),
)

configured_workers = Table(
    "configured_workers",
    metadata,
    reference("worker_id", "workers", primary_key=True),
    reference("builder_id", "builders", primary_key=True, index=True),
    reference("master_id", "masters", primary_key=True, index=True),
)

# Machines of workers that are started on demand. Each is recorded before it is started, and its row
# stays until the worker's next machine is recorded, so that nothing that runs is forgotten.
instances = Table(
    "instances",
    metadata,
    identity(),
    Column("name", Name, nullable=False, unique=True),
    reference("worker_id", "workers", index=True),
    reference("master_id", "masters", index=True),
    epoch(),
    Column("state", Name, nullable=False),
    Column("reason", CleanText),
    Column("identity", Json, nullable=False),
    Column("handle", Json),
    Column("started_at", Time, nullable=False),
    Column("state_since", Time, nullable=False),
)

# What people did: read by time, and the oldest are deleted.
audit = Table(
    "audit",
    metadata,
    identity(),
    Column("happened_at", Time, nullable=False),
    Column("kind", Name, nullable=False),
    Column("action", CleanText, nullable=False),
    Column("path", CleanText, nullable=False),
    Column("user_name", CleanText, nullable=False),
    Column("origin", CleanText, nullable=False),
    flag("is_allowed"),
    Column("details", Json, nullable=False),
    Column("reason", CleanText, nullable=False),
    Index("audit_by_happened_at", "happened_at"),
)

# Browsers in which people have logged in.
web_sessions = Table(
    "web_sessions",
    metadata,
    identity(),
    Column("digest", Name, nullable=False, unique=True),
    Column("account", Json, nullable=False),
    text("user_name"),
    Column("method", Name, nullable=False),
    text("origin"),
    text("agent"),
    Column("created_at", Time, nullable=False),
    Column("seen_at", Time, nullable=False),
    Column("ends_at", Time, nullable=False),
)

# What programs log in with.
api_tokens = Table(
    "api_tokens",
    metadata,
    identity(),
    Column("digest", Name, nullable=False, unique=True),
    text("label"),
    Column("account", Json, nullable=False),
    text("user_name"),
    Column("actions", Json, nullable=False),
    Column("builders", Json, nullable=False),
    Column("build_id", Id, nullable=False),
    Column("created_at", Time, nullable=False),
    Column("ends_at", Time, nullable=False),
    Column("used_at", Time, nullable=False),
    text("used_from"),
)

patches = Table(
    "patches",
    metadata,
    identity(),
    Column("level", Integer, nullable=False),
    Column("body", Blob, nullable=False),
    text("subdir"),
    text("author"),
    text("comment"),
)

source_stamps = Table(
    "source_stamps",
    metadata,
    identity(),
    # Equal stamps are one row: the digest covers every other column, and the patch's content.
    Column("digest", LargeBinary(20), nullable=False, unique=True),
    Column("branch", CleanText),
    Column("revision", CleanText),
    text("repository"),
    text("project"),
    text("codebase"),
    reference("patch_id", "patches", nullable=True, index=True),
    Column("created_at", Time, nullable=False),
)

changes = Table(
    "changes",
    metadata,
    identity(),
    reference("source_stamp_id", "source_stamps", index=True),
    text("author"),
    Column("committer", CleanText),
    Column("files", Json, nullable=False),
    text("comments"),
    Column("revision", CleanText),
    Column("when_timestamp", Time, nullable=False),
    Column("branch", CleanText),
    Column("category", CleanText),
    text("revlink"),
    Column("properties", Json, nullable=False),
    text("repository"),
    text("project"),
    text("codebase"),
    Column("parent_id", Id),
    # A TrustLevel.
    Column("trust", Name, nullable=False, server_default="trusted"),
    Column("trust_reason", CleanText),
    Index("changes_by_revision", "revision", info=lengths(revision=64)),
    Index("changes_by_time", "when_timestamp"),
    # The parent of a new change is the newest one of the same line of development.
    Index(
        "changes_by_branch",
        "branch",
        "repository",
        "project",
        "codebase",
        "id",
        info=lengths(branch=64, repository=128, project=64, codebase=64),
    ),
)

# What a branch was last known to have, for builds of its newest revision: few changes or none.
_distrusted = changes.c.trust != literal_column("'trusted'")
Index(
    "changes_not_trusted",
    changes.c.repository,
    changes.c.branch,
    changes.c.id,
    info=only_where(_distrusted) | lengths(repository=128, branch=64),
)

builds = Table(
    "builds",
    metadata,
    identity(),
    Column("number", Integer, nullable=False),
    reference("builder_id", "builders"),
    reference("request_id", "build_requests", index=True),
    reference("worker_id", "workers"),
    reference("master_id", "masters"),
    Column("started_at", Time, nullable=False),
    Column("locks_duration", Time, nullable=False),
    flag("complete"),
    Column("complete_at", Time),
    Column("result", Integer),
    text("state"),
    epoch(),
    # Two masters that start builds of one builder at once cannot get the same number.
    Index("builds_by_number", "builder_id", "number", unique=True),
    Index("builds_by_builder", "builder_id", "id"),
    Index("builds_by_worker", "worker_id", "id"),
    Index("builds_by_start", "started_at"),
    # What runs, and what has ended, the newest first: without it all builds are read for either.
    Index("builds_by_end", "complete", "complete_at"),
)
_running = builds.c.complete == false()
Index("builds_running", builds.c.master_id, info=only_where(_running))

build_properties = Table(
    "build_properties",
    metadata,
    reference("build_id", "builds", primary_key=True),
    Column("name", Name, primary_key=True),
    Column("value", Json, nullable=False),
    text("source"),
)

build_data = Table(
    "build_data",
    metadata,
    identity(),
    reference("build_id", "builds"),
    Column("name", Name, nullable=False),
    Column("value", Blob, nullable=False),
    Column("length", Integer, nullable=False),
    text("source"),
    Index("build_data_by_name", "build_id", "name", unique=True),
)

steps = Table(
    "steps",
    metadata,
    identity(),
    reference("build_id", "builds"),
    Column("number", Integer, nullable=False),
    Column("name", Name, nullable=False),
    text("state"),
    Column("started_at", Time),
    Column("locks_acquired_at", Time),
    flag("complete"),
    Column("complete_at", Time),
    Column("result", Integer),
    Column("urls", Json, nullable=False),
    flag("hidden"),
    # NULL for the many steps that count nothing.
    Column("statistics", Json),
    Index("steps_by_number", "build_id", "number", unique=True),
    Index("steps_by_name", "build_id", "name", unique=True),
)

logs = Table(
    "logs",
    metadata,
    identity(),
    reference("step_id", "steps"),
    text("name"),
    Column("slug", Name, nullable=False),
    Column("type", CleanText, nullable=False),
    flag("complete"),
    Column("line_count", Integer, nullable=False),
    # Bytes of the text, channel letters included.
    Column("size", Id, nullable=False),
    # The records of a small log; NULL once they are in a file.
    Column("content", Blob),
    Index("logs_by_slug", "step_id", "slug", unique=True),
)

schedulers = Table(
    "schedulers",
    metadata,
    identity(),
    Column("name", Name, nullable=False, unique=True),
    Column("enabled", Boolean, nullable=False, default=True),
    Column("last_change_id", Id),
    Column("type", CleanText),
    Column("waits_for", CleanText),
    Column("next_at", Time),
)

scheduler_masters = Table(
    "scheduler_masters",
    metadata,
    reference("scheduler_id", "schedulers", primary_key=True),
    reference("master_id", "masters", index=True),
)

scheduler_changes = Table(
    "scheduler_changes",
    metadata,
    reference("scheduler_id", "schedulers", primary_key=True),
    reference("change_id", "changes", primary_key=True, index=True),
    flag("important"),
)

change_sources = Table(
    "change_sources",
    metadata,
    identity(),
    Column("name", Name, nullable=False, unique=True),
    Column("state", Name, nullable=False, server_default="starting"),
    Column("state_since", Time),
    Column("state_string", CleanText),
)

change_source_masters = Table(
    "change_source_masters",
    metadata,
    reference("change_source_id", "change_sources", primary_key=True),
    reference("master_id", "masters", index=True),
)

object_state = Table(
    "object_state",
    metadata,
    Column("name", Name, primary_key=True),
    Column("kind", Name, primary_key=True),
    Column("key", Name, primary_key=True),
    Column("value", Json, nullable=False),
)
