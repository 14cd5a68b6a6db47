"""The schema: every table and every index, each index with the question that it answers."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    false,
)

from chargehand.store.columns import Blob, CleanText, Id, Json, Name, Time

# Constraints have names everywhere, so that migrations can speak of them.
metadata = MetaData(
    naming_convention={
        "ix": "%(table_name)s_by_%(column_0_N_name)s",
        "uq": "%(table_name)s_unique_%(column_0_N_name)s",
        "fk": "%(table_name)s_to_%(referred_table_name)s_by_%(column_0_N_name)s",
        "pk": "%(table_name)s_key",
    }
)


def _id() -> Column[int]:
    return Column("id", Id, primary_key=True)


def _of(
    name: str,
    target: str,
    *,
    primary_key: bool = False,
    nullable: bool = False,
    index: bool | None = None,
) -> Column[int]:
    """Make a reference; rows go together with what they belong to."""
    reference = ForeignKey(f"{target}.id", ondelete="CASCADE")
    return Column(
        name,
        Id,
        reference,
        primary_key=primary_key,
        autoincrement=False,
        nullable=nullable,
        index=index,
    )


def _flag(name: str) -> Column[bool]:
    return Column(name, Boolean, nullable=False, default=False)


def _text(name: str) -> Column[str]:
    return Column(name, CleanText, nullable=False)


masters = Table(
    "masters",
    metadata,
    _id(),
    Column("name", Name, nullable=False, unique=True),
    _flag("active"),
    Column("last_active", Time, nullable=False),
)

projects = Table(
    "projects",
    metadata,
    _id(),
    Column("name", Name, nullable=False, unique=True),
    Column("slug", CleanText, nullable=False),
    Column("description", CleanText),
    Column("description_format", CleanText),
    Column("description_html", CleanText),
    _flag("active"),
)

builders = Table(
    "builders",
    metadata,
    _id(),
    Column("name", Name, nullable=False, unique=True),
    Column("description", CleanText),
    Column("description_format", CleanText),
    Column("description_html", CleanText),
    _of("project_id", "projects", nullable=True, index=True),
    Column("tags", Json, nullable=False),
)

builder_masters = Table(
    "builder_masters",
    metadata,
    _of("builder_id", "builders", primary_key=True),
    _of("master_id", "masters", primary_key=True, index=True),
)

workers = Table(
    "workers",
    metadata,
    _id(),
    Column("name", Name, nullable=False, unique=True),
    Column("info", Json, nullable=False),
    _flag("paused"),
    Column("pause_reason", CleanText),
    _flag("graceful"),
)

connected_workers = Table(
    "connected_workers",
    metadata,
    _of("worker_id", "workers", primary_key=True),
    _of("master_id", "masters", primary_key=True, index=True),
)

configured_workers = Table(
    "configured_workers",
    metadata,
    _of("worker_id", "workers", primary_key=True),
    _of("builder_id", "builders", primary_key=True, index=True),
    _of("master_id", "masters", primary_key=True, index=True),
)

patches = Table(
    "patches",
    metadata,
    _id(),
    Column("level", Integer, nullable=False),
    Column("body", Blob, nullable=False),
    _text("subdir"),
    _text("author"),
    _text("comment"),
)

source_stamps = Table(
    "source_stamps",
    metadata,
    _id(),
    # Equal stamps are one row: the digest covers every other column, and the patch's content.
    Column("digest", LargeBinary(20), nullable=False, unique=True),
    Column("branch", CleanText),
    Column("revision", CleanText),
    _text("repository"),
    _text("project"),
    _text("codebase"),
    _of("patch_id", "patches", nullable=True, index=True),
    Column("created_at", Time, nullable=False),
)

changes = Table(
    "changes",
    metadata,
    _id(),
    _of("source_stamp_id", "source_stamps", index=True),
    _text("author"),
    Column("committer", CleanText),
    Column("files", Json, nullable=False),
    _text("comments"),
    Column("revision", CleanText),
    Column("when_timestamp", Time, nullable=False),
    Column("branch", CleanText),
    Column("category", CleanText),
    _text("revlink"),
    Column("properties", Json, nullable=False),
    _text("repository"),
    _text("project"),
    _text("codebase"),
    Column("parent_id", Id),
    Index("changes_by_revision", "revision", mysql_length=64),
    Index("changes_by_time", "when_timestamp"),
    # The parent of a new change is the newest one of the same line of development.
    Index(
        "changes_by_branch",
        "branch",
        "repository",
        "project",
        "codebase",
        "id",
        mysql_length={"branch": 64, "repository": 128, "project": 64, "codebase": 64},
    ),
)

buildsets = Table(
    "buildsets",
    metadata,
    _id(),
    Column("external_id", CleanText),
    _text("reason"),
    _text("scheduler"),
    Column("submitted_at", Time, nullable=False),
    _flag("complete"),
    Column("complete_at", Time),
    Column("result", Integer),
    # The builds named here may have been pruned since: no foreign keys.
    Column("parent_build_id", Id, index=True),
    Column("parent_relationship", CleanText),
    Column("rebuilt_build_id", Id, index=True),
    Column("properties", Json, nullable=False),
    Index("buildsets_by_submission", "submitted_at"),
)

buildset_source_stamps = Table(
    "buildset_source_stamps",
    metadata,
    _of("buildset_id", "buildsets", primary_key=True),
    _of("source_stamp_id", "source_stamps", primary_key=True, index=True),
)

requests = Table(
    "build_requests",
    metadata,
    _id(),
    _of("buildset_id", "buildsets"),
    _of("builder_id", "builders"),
    Column("priority", Integer, nullable=False),
    Column("submitted_at", Time, nullable=False),
    _flag("waited_for"),
    # A request that was completed without a build counts as claimed, by nobody.
    _flag("claimed"),
    Column("claimed_by", Id, ForeignKey("masters.id", ondelete="SET NULL")),
    Column("claimed_at", Time),
    _flag("complete"),
    Column("complete_at", Time),
    Column("result", Integer),
    Column("properties", Json),
    Index("requests_by_buildset", "buildset_id", "complete"),
    Index("requests_by_builder", "builder_id", "id"),
    Index("requests_by_submission", "submitted_at"),
)
_waits = requests.c.claimed == false()
Index(
    "requests_waiting",
    requests.c.builder_id,
    requests.c.id,
    sqlite_where=_waits,
    postgresql_where=_waits,
)
# What waits, most urgent first: the list of pending requests, however long the queue.
Index(
    "requests_by_priority",
    requests.c.priority,
    requests.c.submitted_at,
    sqlite_where=_waits,
    postgresql_where=_waits,
)
_unfinished = requests.c.complete == false()
Index(
    "requests_incomplete",
    requests.c.claimed_by,
    sqlite_where=_unfinished,
    postgresql_where=_unfinished,
)

builds = Table(
    "builds",
    metadata,
    _id(),
    Column("number", Integer, nullable=False),
    _of("builder_id", "builders"),
    _of("request_id", "build_requests", index=True),
    _of("worker_id", "workers"),
    _of("master_id", "masters"),
    Column("started_at", Time, nullable=False),
    Column("locks_duration", Time, nullable=False),
    _flag("complete"),
    Column("complete_at", Time),
    Column("result", Integer),
    _text("state"),
    # Two masters that start builds of one builder at once cannot get the same number.
    Index("builds_by_number", "builder_id", "number", unique=True),
    Index("builds_by_builder", "builder_id", "id"),
    Index("builds_by_worker", "worker_id", "id"),
    Index("builds_by_start", "started_at"),
)
_running = builds.c.complete == false()
Index("builds_running", builds.c.master_id, sqlite_where=_running, postgresql_where=_running)

build_properties = Table(
    "build_properties",
    metadata,
    _of("build_id", "builds", primary_key=True),
    Column("name", Name, primary_key=True),
    Column("value", Json, nullable=False),
    _text("source"),
)

build_data = Table(
    "build_data",
    metadata,
    _id(),
    _of("build_id", "builds"),
    Column("name", Name, nullable=False),
    Column("value", Blob, nullable=False),
    Column("length", Integer, nullable=False),
    _text("source"),
    Index("build_data_by_name", "build_id", "name", unique=True),
)

steps = Table(
    "steps",
    metadata,
    _id(),
    _of("build_id", "builds"),
    Column("number", Integer, nullable=False),
    Column("name", Name, nullable=False),
    _text("state"),
    Column("started_at", Time),
    Column("locks_acquired_at", Time),
    _flag("complete"),
    Column("complete_at", Time),
    Column("result", Integer),
    Column("urls", Json, nullable=False),
    _flag("hidden"),
    Index("steps_by_number", "build_id", "number", unique=True),
    Index("steps_by_name", "build_id", "name", unique=True),
)

logs = Table(
    "logs",
    metadata,
    _id(),
    _of("step_id", "steps"),
    _text("name"),
    Column("slug", Name, nullable=False),
    Column("type", CleanText, nullable=False),
    _flag("complete"),
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
    _id(),
    Column("name", Name, nullable=False, unique=True),
    Column("enabled", Boolean, nullable=False, default=True),
    Column("last_change_id", Id),
)

scheduler_masters = Table(
    "scheduler_masters",
    metadata,
    _of("scheduler_id", "schedulers", primary_key=True),
    _of("master_id", "masters", index=True),
)

scheduler_changes = Table(
    "scheduler_changes",
    metadata,
    _of("scheduler_id", "schedulers", primary_key=True),
    _of("change_id", "changes", primary_key=True, index=True),
    _flag("important"),
)

change_sources = Table(
    "change_sources",
    metadata,
    _id(),
    Column("name", Name, nullable=False, unique=True),
)

change_source_masters = Table(
    "change_source_masters",
    metadata,
    _of("change_source_id", "change_sources", primary_key=True),
    _of("master_id", "masters", index=True),
)

object_state = Table(
    "object_state",
    metadata,
    Column("name", Name, primary_key=True),
    Column("kind", Name, primary_key=True),
    Column("key", Name, primary_key=True),
    Column("value", Json, nullable=False),
)

codebases = Table(
    "codebases",
    metadata,
    _id(),
    _of("project_id", "projects"),
    Column("name", Name, nullable=False),
    _text("slug"),
    Index("codebases_by_name", "project_id", "name", unique=True),
)

commits = Table(
    "commits",
    metadata,
    _id(),
    _of("codebase_id", "codebases"),
    _text("author"),
    Column("committer", CleanText),
    _text("comments"),
    Column("when_timestamp", Time, nullable=False),
    Column("revision", Name, nullable=False),
    Column("parent_commit_id", Id),
    Index("commits_by_revision", "codebase_id", "revision", unique=True),
)

branches = Table(
    "branches",
    metadata,
    _id(),
    _of("codebase_id", "codebases"),
    Column("name", Name, nullable=False),
    _of("commit_id", "commits", nullable=True),
    Column("last_timestamp", Time, nullable=False),
    Index("branches_by_name", "codebase_id", "name", unique=True),
)

test_result_sets = Table(
    "test_result_sets",
    metadata,
    _id(),
    _of("builder_id", "builders", index=True),
    _of("build_id", "builds", index=True),
    _of("step_id", "steps", index=True),
    Column("description", CleanText),
    _text("category"),
    _text("value_unit"),
    Column("tests_passed", Integer),
    Column("tests_failed", Integer),
    _flag("complete"),
)

test_results = Table(
    "test_results",
    metadata,
    _id(),
    _of("builder_id", "builders"),
    _of("test_result_set_id", "test_result_sets", index=True),
    Column("test_name", CleanText),
    Column("test_code_path", CleanText),
    Column("line", Integer),
    Column("duration_ns", Id),
    _text("value"),
)
