"""The first revision."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from chargehand.store.columns import Blob, CleanText, Id, Json, Name, Time

revision = "0001"
down_revision = None


def upgrade() -> None:  # a list of tables, longer than a function should be
    """Make all tables."""
    op.create_table(
        "buildsets",
        sa.Column("id", Id, nullable=False),
        sa.Column("external_id", CleanText(), nullable=True),
        sa.Column("reason", CleanText(), nullable=False),
        sa.Column("scheduler", CleanText(), nullable=False),
        sa.Column("submitted_at", Time, nullable=False),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.Column("complete_at", Time, nullable=True),
        sa.Column("result", sa.Integer(), nullable=True),
        sa.Column("parent_build_id", Id, nullable=True),
        sa.Column("parent_relationship", CleanText(), nullable=True),
        sa.Column("rebuilt_build_id", Id, nullable=True),
        sa.Column("properties", Json, nullable=False),
        sa.PrimaryKeyConstraint("id", name=("buildsets_key")),
    )
    op.create_index("buildsets_by_parent_build_id", "buildsets", ["parent_build_id"], unique=False)
    op.create_index(
        "buildsets_by_rebuilt_build_id", "buildsets", ["rebuilt_build_id"], unique=False
    )
    op.create_index("buildsets_by_submission", "buildsets", ["submitted_at"], unique=False)
    op.create_table(
        "change_sources",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", Name, nullable=False),
        sa.PrimaryKeyConstraint("id", name=("change_sources_key")),
        sa.UniqueConstraint("name", name=("change_sources_unique_name")),
    )
    op.create_table(
        "masters",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", Name, nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("last_active", Time, nullable=False),
        sa.PrimaryKeyConstraint("id", name=("masters_key")),
        sa.UniqueConstraint("name", name=("masters_unique_name")),
    )
    op.create_table(
        "object_state",
        sa.Column("name", Name, nullable=False),
        sa.Column("kind", Name, nullable=False),
        sa.Column("key", Name, nullable=False),
        sa.Column("value", Json, nullable=False),
        sa.PrimaryKeyConstraint("name", "kind", "key", name=("object_state_key")),
    )
    op.create_table(
        "patches",
        sa.Column("id", Id, nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("body", Blob, nullable=False),
        sa.Column("subdir", CleanText(), nullable=False),
        sa.Column("author", CleanText(), nullable=False),
        sa.Column("comment", CleanText(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=("patches_key")),
    )
    op.create_table(
        "projects",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", Name, nullable=False),
        sa.Column("slug", CleanText(), nullable=False),
        sa.Column("description", CleanText(), nullable=True),
        sa.Column("description_format", CleanText(), nullable=True),
        sa.Column("description_html", CleanText(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=("projects_key")),
        sa.UniqueConstraint("name", name=("projects_unique_name")),
    )
    op.create_table(
        "schedulers",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", Name, nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("last_change_id", Id, nullable=True),
        sa.PrimaryKeyConstraint("id", name=("schedulers_key")),
        sa.UniqueConstraint("name", name=("schedulers_unique_name")),
    )
    op.create_table(
        "workers",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", Name, nullable=False),
        sa.Column("info", Json, nullable=False),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("pause_reason", CleanText(), nullable=True),
        sa.Column("graceful", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=("workers_key")),
        sa.UniqueConstraint("name", name=("workers_unique_name")),
    )
    op.create_table(
        "builders",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", Name, nullable=False),
        sa.Column("description", CleanText(), nullable=True),
        sa.Column("description_format", CleanText(), nullable=True),
        sa.Column("description_html", CleanText(), nullable=True),
        sa.Column("project_id", Id, nullable=True),
        sa.Column("tags", Json, nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"],
            ["projects.id"],
            name=("builders_to_projects_by_project_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=("builders_key")),
        sa.UniqueConstraint("name", name=("builders_unique_name")),
    )
    op.create_index("builders_by_project_id", "builders", ["project_id"], unique=False)
    op.create_table(
        "change_source_masters",
        sa.Column("change_source_id", Id, autoincrement=False, nullable=False),
        sa.Column("master_id", Id, nullable=False),
        sa.ForeignKeyConstraint(
            ["change_source_id"],
            ["change_sources.id"],
            name=("change_source_masters_to_change_sources_by_change_source_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["master_id"],
            ["masters.id"],
            name=("change_source_masters_to_masters_by_master_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("change_source_id", name=("change_source_masters_key")),
    )
    op.create_index(
        "change_source_masters_by_master_id", "change_source_masters", ["master_id"], unique=False
    )
    op.create_table(
        "codebases",
        sa.Column("id", Id, nullable=False),
        sa.Column("project_id", Id, nullable=False),
        sa.Column("name", Name, nullable=False),
        sa.Column("slug", CleanText(), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"],
            ["projects.id"],
            name=("codebases_to_projects_by_project_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=("codebases_key")),
    )
    op.create_index("codebases_by_name", "codebases", ["project_id", "name"], unique=True)
    op.create_table(
        "connected_workers",
        sa.Column("worker_id", Id, autoincrement=False, nullable=False),
        sa.Column("master_id", Id, autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["master_id"],
            ["masters.id"],
            name=("connected_workers_to_masters_by_master_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["worker_id"],
            ["workers.id"],
            name=("connected_workers_to_workers_by_worker_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("worker_id", "master_id", name=("connected_workers_key")),
    )
    op.create_index(
        "connected_workers_by_master_id", "connected_workers", ["master_id"], unique=False
    )
    op.create_table(
        "scheduler_masters",
        sa.Column("scheduler_id", Id, autoincrement=False, nullable=False),
        sa.Column("master_id", Id, nullable=False),
        sa.ForeignKeyConstraint(
            ["master_id"],
            ["masters.id"],
            name=("scheduler_masters_to_masters_by_master_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["scheduler_id"],
            ["schedulers.id"],
            name=("scheduler_masters_to_schedulers_by_scheduler_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("scheduler_id", name=("scheduler_masters_key")),
    )
    op.create_index(
        "scheduler_masters_by_master_id", "scheduler_masters", ["master_id"], unique=False
    )
    op.create_table(
        "source_stamps",
        sa.Column("id", Id, nullable=False),
        sa.Column("digest", sa.LargeBinary(length=20), nullable=False),
        sa.Column("branch", CleanText(), nullable=True),
        sa.Column("revision", CleanText(), nullable=True),
        sa.Column("repository", CleanText(), nullable=False),
        sa.Column("project", CleanText(), nullable=False),
        sa.Column("codebase", CleanText(), nullable=False),
        sa.Column("patch_id", Id, nullable=True),
        sa.Column("created_at", Time, nullable=False),
        sa.ForeignKeyConstraint(
            ["patch_id"],
            ["patches.id"],
            name=("source_stamps_to_patches_by_patch_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=("source_stamps_key")),
        sa.UniqueConstraint("digest", name=("source_stamps_unique_digest")),
    )
    op.create_index("source_stamps_by_patch_id", "source_stamps", ["patch_id"], unique=False)
    op.create_table(
        "build_requests",
        sa.Column("id", Id, nullable=False),
        sa.Column("buildset_id", Id, nullable=False),
        sa.Column("builder_id", Id, nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("submitted_at", Time, nullable=False),
        sa.Column("waited_for", sa.Boolean(), nullable=False),
        sa.Column("claimed", sa.Boolean(), nullable=False),
        sa.Column("claimed_by", Id, nullable=True),
        sa.Column("claimed_at", Time, nullable=True),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.Column("complete_at", Time, nullable=True),
        sa.Column("result", sa.Integer(), nullable=True),
        sa.Column("properties", Json, nullable=True),
        sa.ForeignKeyConstraint(
            ["builder_id"],
            ["builders.id"],
            name=("build_requests_to_builders_by_builder_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["buildset_id"],
            ["buildsets.id"],
            name=("build_requests_to_buildsets_by_buildset_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["claimed_by"],
            ["masters.id"],
            name=("build_requests_to_masters_by_claimed_by"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=("build_requests_key")),
    )
    op.create_index("requests_by_builder", "build_requests", ["builder_id", "id"], unique=False)
    op.create_index(
        "requests_by_buildset", "build_requests", ["buildset_id", "complete"], unique=False
    )
    op.create_index(
        "requests_by_priority",
        "build_requests",
        ["priority", "submitted_at"],
        unique=False,
        sqlite_where=sa.text("claimed = 0"),
        postgresql_where=sa.text("claimed = 0"),
    )
    op.create_index("requests_by_submission", "build_requests", ["submitted_at"], unique=False)
    op.create_index(
        "requests_incomplete",
        "build_requests",
        ["claimed_by"],
        unique=False,
        sqlite_where=sa.text("complete = 0"),
        postgresql_where=sa.text("complete = 0"),
    )
    op.create_index(
        "requests_waiting",
        "build_requests",
        ["builder_id", "id"],
        unique=False,
        sqlite_where=sa.text("claimed = 0"),
        postgresql_where=sa.text("claimed = 0"),
    )
    op.create_table(
        "builder_masters",
        sa.Column("builder_id", Id, autoincrement=False, nullable=False),
        sa.Column("master_id", Id, autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["builder_id"],
            ["builders.id"],
            name=("builder_masters_to_builders_by_builder_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["master_id"],
            ["masters.id"],
            name=("builder_masters_to_masters_by_master_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("builder_id", "master_id", name=("builder_masters_key")),
    )
    op.create_index("builder_masters_by_master_id", "builder_masters", ["master_id"], unique=False)
    op.create_table(
        "buildset_source_stamps",
        sa.Column("buildset_id", Id, autoincrement=False, nullable=False),
        sa.Column("source_stamp_id", Id, autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["buildset_id"],
            ["buildsets.id"],
            name=("buildset_source_stamps_to_buildsets_by_buildset_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["source_stamp_id"],
            ["source_stamps.id"],
            name=("buildset_source_stamps_to_source_stamps_by_source_stamp_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "buildset_id", "source_stamp_id", name=("buildset_source_stamps_key")
        ),
    )
    op.create_index(
        "buildset_source_stamps_by_source_stamp_id",
        "buildset_source_stamps",
        ["source_stamp_id"],
        unique=False,
    )
    op.create_table(
        "changes",
        sa.Column("id", Id, nullable=False),
        sa.Column("source_stamp_id", Id, nullable=False),
        sa.Column("author", CleanText(), nullable=False),
        sa.Column("committer", CleanText(), nullable=True),
        sa.Column("files", Json, nullable=False),
        sa.Column("comments", CleanText(), nullable=False),
        sa.Column("revision", CleanText(), nullable=True),
        sa.Column("when_timestamp", Time, nullable=False),
        sa.Column("branch", CleanText(), nullable=True),
        sa.Column("category", CleanText(), nullable=True),
        sa.Column("revlink", CleanText(), nullable=False),
        sa.Column("properties", Json, nullable=False),
        sa.Column("repository", CleanText(), nullable=False),
        sa.Column("project", CleanText(), nullable=False),
        sa.Column("codebase", CleanText(), nullable=False),
        sa.Column("parent_id", Id, nullable=True),
        sa.ForeignKeyConstraint(
            ["source_stamp_id"],
            ["source_stamps.id"],
            name=("changes_to_source_stamps_by_source_stamp_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=("changes_key")),
    )
    op.create_index(
        "changes_by_branch",
        "changes",
        ["branch", "repository", "project", "codebase", "id"],
        unique=False,
        mysql_length={"branch": 64, "repository": 128, "project": 64, "codebase": 64},
    )
    op.create_index("changes_by_revision", "changes", ["revision"], unique=False, mysql_length=64)
    op.create_index("changes_by_source_stamp_id", "changes", ["source_stamp_id"], unique=False)
    op.create_index("changes_by_time", "changes", ["when_timestamp"], unique=False)
    op.create_table(
        "commits",
        sa.Column("id", Id, nullable=False),
        sa.Column("codebase_id", Id, nullable=False),
        sa.Column("author", CleanText(), nullable=False),
        sa.Column("committer", CleanText(), nullable=True),
        sa.Column("comments", CleanText(), nullable=False),
        sa.Column("when_timestamp", Time, nullable=False),
        sa.Column("revision", Name, nullable=False),
        sa.Column("parent_commit_id", Id, nullable=True),
        sa.ForeignKeyConstraint(
            ["codebase_id"],
            ["codebases.id"],
            name=("commits_to_codebases_by_codebase_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=("commits_key")),
    )
    op.create_index("commits_by_revision", "commits", ["codebase_id", "revision"], unique=True)
    op.create_table(
        "configured_workers",
        sa.Column("worker_id", Id, autoincrement=False, nullable=False),
        sa.Column("builder_id", Id, autoincrement=False, nullable=False),
        sa.Column("master_id", Id, autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["builder_id"],
            ["builders.id"],
            name=("configured_workers_to_builders_by_builder_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["master_id"],
            ["masters.id"],
            name=("configured_workers_to_masters_by_master_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["worker_id"],
            ["workers.id"],
            name=("configured_workers_to_workers_by_worker_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "worker_id", "builder_id", "master_id", name=("configured_workers_key")
        ),
    )
    op.create_index(
        "configured_workers_by_builder_id", "configured_workers", ["builder_id"], unique=False
    )
    op.create_index(
        "configured_workers_by_master_id", "configured_workers", ["master_id"], unique=False
    )
    op.create_table(
        "branches",
        sa.Column("id", Id, nullable=False),
        sa.Column("codebase_id", Id, nullable=False),
        sa.Column("name", Name, nullable=False),
        sa.Column("commit_id", Id, nullable=True),
        sa.Column("last_timestamp", Time, nullable=False),
        sa.ForeignKeyConstraint(
            ["codebase_id"],
            ["codebases.id"],
            name=("branches_to_codebases_by_codebase_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["commit_id"],
            ["commits.id"],
            name=("branches_to_commits_by_commit_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=("branches_key")),
    )
    op.create_index("branches_by_name", "branches", ["codebase_id", "name"], unique=True)
    op.create_table(
        "builds",
        sa.Column("id", Id, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("builder_id", Id, nullable=False),
        sa.Column("request_id", Id, nullable=False),
        sa.Column("worker_id", Id, nullable=False),
        sa.Column("master_id", Id, nullable=False),
        sa.Column("started_at", Time, nullable=False),
        sa.Column("locks_duration", Time, nullable=False),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.Column("complete_at", Time, nullable=True),
        sa.Column("result", sa.Integer(), nullable=True),
        sa.Column("state", CleanText(), nullable=False),
        sa.ForeignKeyConstraint(
            ["builder_id"],
            ["builders.id"],
            name=("builds_to_builders_by_builder_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["master_id"],
            ["masters.id"],
            name=("builds_to_masters_by_master_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["build_requests.id"],
            name=("builds_to_build_requests_by_request_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["worker_id"],
            ["workers.id"],
            name=("builds_to_workers_by_worker_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=("builds_key")),
    )
    op.create_index("builds_by_builder", "builds", ["builder_id", "id"], unique=False)
    op.create_index("builds_by_number", "builds", ["builder_id", "number"], unique=True)
    op.create_index("builds_by_request_id", "builds", ["request_id"], unique=False)
    op.create_index("builds_by_start", "builds", ["started_at"], unique=False)
    op.create_index("builds_by_worker", "builds", ["worker_id", "id"], unique=False)
    op.create_index(
        "builds_running",
        "builds",
        ["master_id"],
        unique=False,
        sqlite_where=sa.text("complete = 0"),
        postgresql_where=sa.text("complete = 0"),
    )
    op.create_table(
        "scheduler_changes",
        sa.Column("scheduler_id", Id, autoincrement=False, nullable=False),
        sa.Column("change_id", Id, autoincrement=False, nullable=False),
        sa.Column("important", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["change_id"],
            ["changes.id"],
            name=("scheduler_changes_to_changes_by_change_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["scheduler_id"],
            ["schedulers.id"],
            name=("scheduler_changes_to_schedulers_by_scheduler_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("scheduler_id", "change_id", name=("scheduler_changes_key")),
    )
    op.create_index(
        "scheduler_changes_by_change_id", "scheduler_changes", ["change_id"], unique=False
    )
    op.create_table(
        "build_data",
        sa.Column("id", Id, nullable=False),
        sa.Column("build_id", Id, nullable=False),
        sa.Column("name", Name, nullable=False),
        sa.Column("value", Blob, nullable=False),
        sa.Column("length", sa.Integer(), nullable=False),
        sa.Column("source", CleanText(), nullable=False),
        sa.ForeignKeyConstraint(
            ["build_id"],
            ["builds.id"],
            name=("build_data_to_builds_by_build_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=("build_data_key")),
    )
    op.create_index("build_data_by_name", "build_data", ["build_id", "name"], unique=True)
    op.create_table(
        "build_properties",
        sa.Column("build_id", Id, autoincrement=False, nullable=False),
        sa.Column("name", Name, nullable=False),
        sa.Column("value", Json, nullable=False),
        sa.Column("source", CleanText(), nullable=False),
        sa.ForeignKeyConstraint(
            ["build_id"],
            ["builds.id"],
            name=("build_properties_to_builds_by_build_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("build_id", "name", name=("build_properties_key")),
    )
    op.create_table(
        "steps",
        sa.Column("id", Id, nullable=False),
        sa.Column("build_id", Id, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", Name, nullable=False),
        sa.Column("state", CleanText(), nullable=False),
        sa.Column("started_at", Time, nullable=True),
        sa.Column("locks_acquired_at", Time, nullable=True),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.Column("complete_at", Time, nullable=True),
        sa.Column("result", sa.Integer(), nullable=True),
        sa.Column("urls", Json, nullable=False),
        sa.Column("hidden", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["build_id"], ["builds.id"], name=("steps_to_builds_by_build_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=("steps_key")),
    )
    op.create_index("steps_by_name", "steps", ["build_id", "name"], unique=True)
    op.create_index("steps_by_number", "steps", ["build_id", "number"], unique=True)
    op.create_table(
        "logs",
        sa.Column("id", Id, nullable=False),
        sa.Column("step_id", Id, nullable=False),
        sa.Column("name", CleanText(), nullable=False),
        sa.Column("slug", Name, nullable=False),
        sa.Column("type", CleanText(), nullable=False),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.Column("line_count", sa.Integer(), nullable=False),
        sa.Column("size", Id, nullable=False),
        sa.Column("content", Blob, nullable=True),
        sa.ForeignKeyConstraint(
            ["step_id"], ["steps.id"], name=("logs_to_steps_by_step_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=("logs_key")),
    )
    op.create_index("logs_by_slug", "logs", ["step_id", "slug"], unique=True)
    op.create_table(
        "test_result_sets",
        sa.Column("id", Id, nullable=False),
        sa.Column("builder_id", Id, nullable=False),
        sa.Column("build_id", Id, nullable=False),
        sa.Column("step_id", Id, nullable=False),
        sa.Column("description", CleanText(), nullable=True),
        sa.Column("category", CleanText(), nullable=False),
        sa.Column("value_unit", CleanText(), nullable=False),
        sa.Column("tests_passed", sa.Integer(), nullable=True),
        sa.Column("tests_failed", sa.Integer(), nullable=True),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["build_id"],
            ["builds.id"],
            name=("test_result_sets_to_builds_by_build_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["builder_id"],
            ["builders.id"],
            name=("test_result_sets_to_builders_by_builder_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["step_id"],
            ["steps.id"],
            name=("test_result_sets_to_steps_by_step_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=("test_result_sets_key")),
    )
    op.create_index("test_result_sets_by_build_id", "test_result_sets", ["build_id"], unique=False)
    op.create_index(
        "test_result_sets_by_builder_id", "test_result_sets", ["builder_id"], unique=False
    )
    op.create_index("test_result_sets_by_step_id", "test_result_sets", ["step_id"], unique=False)
    op.create_table(
        "test_results",
        sa.Column("id", Id, nullable=False),
        sa.Column("builder_id", Id, nullable=False),
        sa.Column("test_result_set_id", Id, nullable=False),
        sa.Column("test_name", CleanText(), nullable=True),
        sa.Column("test_code_path", CleanText(), nullable=True),
        sa.Column("line", sa.Integer(), nullable=True),
        sa.Column("duration_ns", Id, nullable=True),
        sa.Column("value", CleanText(), nullable=False),
        sa.ForeignKeyConstraint(
            ["builder_id"],
            ["builders.id"],
            name=("test_results_to_builders_by_builder_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["test_result_set_id"],
            ["test_result_sets.id"],
            name=("test_results_to_test_result_sets_by_test_result_set_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=("test_results_key")),
    )
    op.create_index(
        "test_results_by_test_result_set_id", "test_results", ["test_result_set_id"], unique=False
    )
