"""Schedulers, buildsets and requests of the first revision."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from chargehand.store.engine.columns import CleanText, Id, Json, Name, Time


def _schedulers() -> None:
    op.create_table(
        "schedulers",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", Name, nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("last_change_id", Id, nullable=True),
        sa.PrimaryKeyConstraint("id", name=("schedulers_key")),
        sa.UniqueConstraint("name", name=("schedulers_unique_name")),
    )


def _scheduler_masters() -> None:
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


def _scheduler_changes() -> None:
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


def _object_state() -> None:
    op.create_table(
        "object_state",
        sa.Column("name", Name, nullable=False),
        sa.Column("kind", Name, nullable=False),
        sa.Column("key", Name, nullable=False),
        sa.Column("value", Json, nullable=False),
        sa.PrimaryKeyConstraint("name", "kind", "key", name=("object_state_key")),
    )


def _buildsets() -> None:
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


def _buildset_source_stamps() -> None:
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


def _build_requests() -> None:
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


def _build_request_indexes() -> None:
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
        postgresql_where=sa.text("NOT claimed"),
    )
    op.create_index("requests_by_submission", "build_requests", ["submitted_at"], unique=False)
    op.create_index(
        "requests_incomplete",
        "build_requests",
        ["claimed_by"],
        unique=False,
        sqlite_where=sa.text("complete = 0"),
        postgresql_where=sa.text("NOT complete"),
    )
    op.create_index(
        "requests_waiting",
        "build_requests",
        ["builder_id", "id"],
        unique=False,
        sqlite_where=sa.text("claimed = 0"),
        postgresql_where=sa.text("NOT claimed"),
    )


def create() -> None:
    """Make these tables and their indexes."""
    _schedulers()
    _scheduler_masters()
    _scheduler_changes()
    _object_state()
    _buildsets()
    _buildset_source_stamps()
    _build_requests()
    _build_request_indexes()
